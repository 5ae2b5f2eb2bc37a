// Station 1, web: one figure of the board with its name; where there is a list behind it, the whole tile leads there.
import type { Tone } from './tag.tsx';

export type TileProps = {
  id: string;
  figure: string;
  label: string;
  href?: string;
  tone?: Tone;
  note?: string;
};

export function Tile({ id, figure, label, href, tone, note }: TileProps) {
  const inside = (
    <>
      <span class="tile-figure figures">{figure}</span>
      <span class="tile-label">
        {label}
        {note ? `, ${note}` : ''}
      </span>
    </>
  );
  const classes = tone ? `tile is-${tone}` : 'tile';
  return href ? (
    <a class={classes} id={id} href={href}>
      {inside}
    </a>
  ) : (
    <div class={classes} id={id}>
      {inside}
    </div>
  );
}
