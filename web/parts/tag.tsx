// Station 1, web: a status as word, icon and edge together, so that none is needed alone.
import type { IconName } from '../assets/icons.ts';
import { Icon } from './icon.tsx';

/** The five kinds of status; proof has a part of its own. */
export type Tone = 'good' | 'soon' | 'late' | 'note' | 'quiet';

export const TONE_ICONS: Record<Tone, IconName> = {
  good: 'circle-check',
  soon: 'hourglass',
  late: 'octagon-alert',
  note: 'circle-dot',
  quiet: 'pause',
};

export function Tag({ tone, word, icon }: { tone: Tone; word: string; icon?: IconName }) {
  return (
    <span class={`tag is-${tone}`}>
      <Icon name={icon ?? TONE_ICONS[tone]} />
      <span>{word}</span>
    </span>
  );
}
