// Station 1, web: totals that a source stated and that its answers do not add up to, wherever the scores stand. The score is
// always ours; what was stated stands beside it with its date, so that nobody has to find the difference alone.
import { instrumentById } from '../../domain/instruments/registry.ts';
import type { Text } from '../text/text.ts';
import { Notice } from './notice.tsx';

/** One notice per measurement whose stated total is not the computed one; nothing when all agree. */
export function StatedTotals({
  t,
  rows,
}: {
  t: Text;
  rows: readonly {
    readonly instrument: string;
    readonly total: number | null;
    readonly statedTotal: number | null;
    readonly at: string;
  }[];
}) {
  return (
    <>
      {rows.map(({ instrument, total, statedTotal, at }) =>
        statedTotal === null || statedTotal === total ? null : (
          <Notice tone="soon">
            <p>
              {instrumentById(instrument)?.name[t.lang] ?? instrument}, {t.date(at)}:{' '}
              {total === null
                ? t.instruments.statedAlone(t.number(statedTotal, 1))
                : t.instruments.statedDiffers(t.number(statedTotal, 1), t.number(total, 1))}
            </p>
          </Notice>
        ),
      )}
    </>
  );
}
