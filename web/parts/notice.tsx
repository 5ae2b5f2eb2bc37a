// Station 1, web: something to know, in place, as word, icon and edge. Not for errors of a form: that is the ErrorSummary.
import type { Child } from 'hono/jsx';
import type { IconName } from '../assets/icons.ts';
import { Icon } from './icon.tsx';
import { TONE_ICONS, type Tone } from './tag.tsx';

export function Notice({
  tone,
  icon,
  id,
  children,
  actions,
}: {
  tone: Tone;
  icon?: IconName;
  id?: string;
  children?: Child;
  actions?: Child;
}) {
  return (
    <div class={`notice is-${tone}`} {...(id ? { id } : {})}>
      <Icon name={icon ?? TONE_ICONS[tone]} />
      <div class="notice-body">{children}</div>
      {actions ? <div class="cluster">{actions}</div> : null}
    </div>
  );
}
