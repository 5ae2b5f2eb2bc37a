// Station 1, web: one icon from the sprite. Always hidden from screen readers: the word beside it carries the meaning.
import type { IconName } from '../assets/icons.ts';
import { assetUrl } from '../assets/manifest.ts';

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" aria-hidden="true" focusable="false">
      <use href={`${assetUrl('icons.svg')}#${name}`} />
    </svg>
  );
}
