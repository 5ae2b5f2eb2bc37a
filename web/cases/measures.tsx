// Station 1, web: results over time, one chart and its table per instrument. A change is called real only beyond the measurement
// error of the people it was measured for; a figure for other people than this patient is not used.
import type { CaseAlert } from '../../db/views/alerts.ts';
import type { MeasurementRow } from '../../db/views/case.ts';
import { alertsOfCodes } from '../../domain/alerts.ts';
import type { Instrument } from '../../domain/instruments/instrument.ts';
import { populationOf } from '../../domain/instruments/population.ts';
import { INSTRUMENTS } from '../../domain/instruments/registry.ts';
import { TakenUpAlerts } from '../alerts/alerts.tsx';
import { EmptyState } from '../parts/empty-state.tsx';
import { MeasureChart, type MeasureView } from '../parts/measure-chart.tsx';
import { Notice } from '../parts/notice.tsx';
import { StatedTotals } from '../parts/stated-totals.tsx';
import type { Text } from '../text/text.ts';

/** The figure of measurement error to draw: only one that was found among people like this patient. */
function errorOf(t: Text, instrument: Instrument, reasonCode: string | null): MeasureView['error'] {
  const population = populationOf(reasonCode);
  const figure = instrument.changes.find(
    ({ kind, population: measured }) => kind === 'measurement-error' && measured === population,
  );
  return figure && { value: figure.value, population: t.populations[figure.population] ?? figure.population };
}

const UNITS: Readonly<Record<string, string>> = { m: 'm' };

/** What each instrument showed, oldest first; instruments without a value are left out. */
export function measureViews(
  t: Text,
  rows: readonly MeasurementRow[],
  reasonCode: string | null,
): MeasureView[] {
  return INSTRUMENTS.flatMap((instrument) => {
    // Results of another version are not compared; the newest version's stand here.
    const points = rows.filter(
      (row) =>
        row.instrument === instrument.id &&
        row.instrumentVersion === String(instrument.version) &&
        row.total !== null,
    );
    if (points.length === 0) return [];
    return [
      {
        id: instrument.id,
        name: instrument.name[t.lang],
        unit: UNITS[instrument.total.unit],
        range: [instrument.total.min, instrument.total.max] as const,
        better: instrument.better,
        points: points.map(({ at, total, by }) => ({ at, value: total as number, by: by ?? undefined })),
        error: errorOf(t, instrument, reasonCode),
      },
    ];
  });
}

/** What the newest measurements say besides their totals; what must be acknowledged stands on its own. */
const remarks = (t: Text, rows: readonly MeasurementRow[]): string[] =>
  alertsOfCodes(
    [...new Map(rows.map((row) => [row.instrument, row])).values()].flatMap(({ alerts }) => alerts),
    'attention',
  ).map(({ text }) => text[t.lang]);

export function Measures({
  t,
  rows,
  reasonCode,
  alerts,
  reader,
}: {
  t: Text;
  rows: readonly MeasurementRow[];
  reasonCode: string | null;
  alerts: readonly CaseAlert[];
  reader: string;
}) {
  const views = measureViews(t, rows, reasonCode);
  const unscored = rows.filter((row) => row.total === null);
  return (
    <div class="stack">
      {remarks(t, rows).map((words) => (
        <Notice tone="late">
          <p>{words}</p>
        </Notice>
      ))}
      <TakenUpAlerts t={t} alerts={alerts} reader={reader} />
      <StatedTotals t={t} rows={rows} />
      {views.length === 0 ? (
        <EmptyState words={t.case.noMeasures} />
      ) : (
        <div class="columns">
          {views.map((view) => (
            <MeasureChart t={t} measure={view} />
          ))}
        </div>
      )}
      {unscored.map((row) => (
        <p class="soft">
          {INSTRUMENTS.find(({ id }) => id === row.instrument)?.name[t.lang] ?? row.instrument}
          {t.marks.comma}
          {t.date(row.at)}
          {t.marks.colon}
          {t.instruments.notScored}
        </p>
      ))}
    </div>
  );
}
