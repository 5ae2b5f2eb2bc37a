// Station 1, web: a moment in time, always as `<time datetime>`. Never relative alone.
import type { Moment as MomentValue } from '../text/formats.ts';
import type { Text } from '../text/text.ts';

/** Writes a moment; `show` chooses how much of it. */
export function Moment({
  t,
  at,
  show = 'date-time',
}: {
  t: Text;
  at: MomentValue;
  show?: 'date' | 'time' | 'date-time';
}) {
  const iso = typeof at === 'string' ? at : at.toISOString();
  const words = show === 'date' ? t.date(at) : show === 'time' ? t.time(at) : t.dateTime(at);
  return <time datetime={iso}>{words}</time>;
}
