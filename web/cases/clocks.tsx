// Station 1, web: the limits of a case with their legal basis, and the count day by day. The same sentence on every page.
import type { ClockRow } from '../../db/views/case.ts';
import { explainDays, windowOf } from '../../domain/clocks.ts';
import type { Parameters } from '../../domain/parameters.ts';
import { clockView } from '../clock-view.ts';
import { ClockCard } from '../parts/clock-bar.tsx';
import { Icon } from '../parts/icon.tsx';
import type { Text } from '../text/text.ts';

/** One clock with what the law says of it; `days` adds the count. */
export function ClockOf({
  t,
  row,
  parameters,
  now,
  days = false,
}: {
  t: Text;
  row: ClockRow;
  parameters: Parameters;
  now: Date;
  days?: boolean;
}) {
  const rule = parameters.clocks[row.clock];
  const window = windowOf(rule, row, parameters.calendar, now.toISOString());
  const still = row.stoppedAt !== null || row.lapsedAt !== null;
  return (
    <>
      <ClockCard
        t={t}
        name={t.clocks[row.clock]}
        clock={clockView(parameters, row, now)}
        started={row.startedAt}
        due={rule.due < rule.length ? new Date(window.dueAt) : undefined}
        lastDay={new Date(window.lastAt)}
        basis={rule.legalBasis}
        effect={still ? undefined : t.clockEffects[row.clock]}
      />
      {days ? <Days t={t} row={row} parameters={parameters} now={now} /> : null}
    </>
  );
}

function Days({ t, row, parameters, now }: { t: Text; row: ClockRow; parameters: Parameters; now: Date }) {
  const days = explainDays(parameters.clocks[row.clock], row, parameters.calendar, now.toISOString());
  if (days.length === 0) return null;
  return (
    <details class="details" id={`days-${row.id}`}>
      <summary>
        <Icon name="calendar" />
        {t.clockDays.title}
        <span class="visually-hidden">
          {t.marks.colon}
          {t.clocks[row.clock]}
        </span>
      </summary>
      <div class="details-body stack-tight">
        <p class="meta">{t.clockDays.lead}</p>
        <div class="table-box">
          <table class="table plain days">
            <caption class="visually-hidden">
              {t.clockDays.title}
              {t.marks.colon}
              {t.clocks[row.clock]}
            </caption>
            <thead>
              <tr>
                <th scope="col">{t.clockDays.day}</th>
                <th scope="col">{t.clockDays.counts}</th>
              </tr>
            </thead>
            <tbody>
              {days.map((day) => (
                <tr class={day.counts ? undefined : 'gone'}>
                  <th scope="row">
                    <time datetime={day.date}>{t.calendarDate(day.date)}</time>
                  </th>
                  <td>
                    {day.counts && day.nth !== undefined
                      ? t.clockDays.nth(day.nth)
                      : t.clockDays.why[day.why]}
                    {day.name ? ` (${day.name[t.lang]})` : ''}
                    {day.marks.length > 0 ? (
                      <b> {day.marks.map((mark) => t.clockDays.marks[mark]).join(t.marks.comma)}</b>
                    ) : null}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </div>
    </details>
  );
}
