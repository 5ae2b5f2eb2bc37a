// Station 1, web: results of one instrument over time, as a chart and always as the table under it.
// A change is called real only beyond the measurement error, and then names the people the figure was found for.
import { lineChart } from '../charts/line.ts';
import type { Moment as MomentValue } from '../text/formats.ts';
import type { Text } from '../text/text.ts';
import { DataTable } from './data-table.tsx';
import { Moment } from './moment.tsx';
import { Said } from './said.tsx';
import { Tag } from './tag.tsx';

export type MeasureView = {
  /** Stable; letters, digits and hyphens. */
  id: string;
  name: string;
  unit?: string | undefined;
  range: readonly [number, number];
  better: 'higher' | 'lower';
  /** Oldest first. */
  points: readonly { at: MomentValue; value: number; by?: string | undefined; note?: string | undefined }[];
  goal?: number | undefined;
  /** Smallest change beyond measurement error, with the population it was found in. */
  error?: { value: number; population: string } | undefined;
};

const toDate = (at: MomentValue): Date => (typeof at === 'string' ? new Date(at) : at);

export function MeasureChart({ t, measure }: { t: Text; measure: MeasureView }) {
  const { id, name, unit, range, points, goal, error } = measure;
  const value = (n: number) => `${t.number(n, 1)}${unit ? `\u00a0${unit}` : ''}`;
  const first = points[0];
  const last = points.at(-1);
  const chart = lineChart(
    points.map((point) => ({ at: toDate(point.at), value: point.value })),
    { height: 208, range, goal, error: error?.value },
  );
  return (
    <figure class="measure card stack-tight" id={`measure-${id}`}>
      <figcaption class="measure-head">
        <h3>{name}</h3>
        <span class="meta">
          {t.chart.range(value(range[0]), value(range[1]))}
          {t.marks.stop}
          {measure.better === 'higher' ? t.chart.higherIsBetter : t.chart.lowerIsBetter}
          {t.marks.stop}
        </span>
      </figcaption>
      {first && last ? (
        <>
          <div
            class="chart"
            role="img"
            aria-label={t.chart.alt(name, value(first.value), value(last.value), points.length)}
          >
            <svg width="44" height={String(chart.height)} aria-hidden="true">
              {chart.ticks.map((tick) => (
                <text class="tick" x="36" y={String(tick.y)} dy="0.35em">
                  {t.number(tick.value, 1)}
                </text>
              ))}
            </svg>
            <svg class="chart-plot" height={String(chart.height)} aria-hidden="true">
              {chart.band ? (
                <rect
                  class="band"
                  x="0"
                  y={String(chart.band.y)}
                  width="100%"
                  height={String(chart.band.height)}
                />
              ) : null}
              {chart.ticks.map((tick) => (
                <line class="grid" x1="0" x2="100%" y1={String(tick.y)} y2={String(tick.y)} />
              ))}
              <line class="axis" x1="0" x2="100%" y1={String(chart.bottom)} y2={String(chart.bottom)} />
              {chart.goal !== undefined && goal !== undefined ? (
                <>
                  <line class="goal" x1="0" x2="100%" y1={String(chart.goal)} y2={String(chart.goal)} />
                  <text class="goal-label" x="8" y={String(chart.goal - 8)}>
                    {t.chart.goalAt(t.number(goal, 1))}
                  </text>
                </>
              ) : null}
              {chart.points.slice(1).map((point, index) => (
                <line
                  class="line"
                  x1={`${chart.points[index]?.x}%`}
                  y1={String(chart.points[index]?.y)}
                  x2={`${point.x}%`}
                  y2={String(point.y)}
                />
              ))}
              {chart.points.map((point) => (
                <circle class="point" cx={`${point.x}%`} cy={String(point.y)} r="5" />
              ))}
              {chart.points.map((point, index) => {
                const ends = index === 0 || index === chart.points.length - 1;
                return ends ? (
                  <>
                    <text class="value" x={`${point.x}%`} y={String(labelAt(point.y, chart.goal))}>
                      {t.number(point.value, 1)}
                    </text>
                    <text
                      class={chart.points.length === 1 ? 'day' : index === 0 ? 'day first' : 'day last'}
                      x={chart.points.length === 1 ? `${point.x}%` : index === 0 ? '0' : '100%'}
                      y={String(chart.height - 8)}
                    >
                      {t.date(point.at)}
                    </text>
                  </>
                ) : null;
              })}
            </svg>
          </div>
          <DataTable
            t={t}
            id={`measure-${id}-table`}
            narrow="plain"
            caption={name}
            rows={points.map((point, index) => ({ ...point, index }))}
            rowId={(row) => `measure-${id}-${row.index}`}
            columns={[
              {
                key: 'at',
                head: t.chart.date,
                rowHead: true,
                cell: (row) => <Moment t={t} at={row.at} show="date" />,
              },
              { key: 'value', head: t.chart.value, number: true, cell: (row) => value(row.value) },
              {
                key: 'change',
                head: t.chart.change,
                cell: (row) => <Change t={t} measure={measure} at={row.index} />,
              },
              ...(points.some((point) => point.by)
                ? [
                    {
                      key: 'by',
                      head: t.chart.by,
                      cell: (row: { by?: string | undefined }) =>
                        row.by ? <Said inline text={row.by} /> : '',
                    },
                  ]
                : []),
            ]}
          />
          <p class="meta">{error ? t.chart.realFor(error.population) : t.chart.noError}</p>
        </>
      ) : (
        <p class="soft">{t.chart.none}</p>
      )}
    </figure>
  );
}

/** Above the point, or below it where the goal line runs through the label. */
const labelAt = (y: number, goal: number | undefined): number =>
  goal !== undefined && goal < y && y - goal < 30 ? y + 24 : y - 14;

/** Change against the first value, called real only beyond the error; better or worse is said by the tone and the sign. */
function Change({ t, measure, at }: { t: Text; measure: MeasureView; at: number }) {
  const base = measure.points[0]?.value;
  const here = measure.points[at]?.value;
  if (base === undefined || here === undefined) return null;
  if (at === 0) return <span class="soft">{t.chart.first}</span>;
  const change = here - base;
  const words = `${change > 0 ? '+' : change < 0 ? '−' : '±'}${t.number(Math.abs(change), 1)}`;
  if (!measure.error) return <span>{words}</span>;
  const real = Math.abs(change) > measure.error.value;
  const better = measure.better === 'higher' ? change > 0 : change < 0;
  return (
    <span class="cluster">
      <span class="figures">{words}</span>
      {real ? (
        <Tag
          tone={better ? 'good' : 'late'}
          icon={change > 0 ? 'arrow-up' : 'arrow-down'}
          word={t.chart.real}
        />
      ) : (
        <span class="meta">{t.chart.notReal}</span>
      )}
    </span>
  );
}
