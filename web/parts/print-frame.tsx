// Station 1, web: what a page needs on paper: who issues it, for which case, its hash and state at the moment of printing.
import type { Child } from 'hono/jsx';
import type { Moment as MomentValue } from '../text/formats.ts';
import type { Text } from '../text/text.ts';
import { Moment } from './moment.tsx';

export function PrintFrame({
  t,
  authority,
  caseNumber,
  hash,
  state,
  printedAt,
  date = printedAt,
  showLinks = false,
  children,
}: {
  t: Text;
  authority: string;
  caseNumber?: string | undefined;
  hash?: string | undefined;
  state?: string | undefined;
  printedAt: MomentValue;
  /** The day it was written, where that is another than the day of printing. */
  date?: MomentValue | undefined;
  /** Prints the address behind each link. */
  showLinks?: boolean;
  children?: Child;
}) {
  return (
    <div class={showLinks ? 'print-links' : undefined}>
      <div class="print-head">
        <span>{authority}</span>
        {caseNumber ? <span>{t.case.title(caseNumber)}</span> : null}
        <Moment t={t} at={date} show="date" />
      </div>
      {children}
      <div class="print-foot">
        <span>{t.print.printedAt(t.dateTime(printedAt))}</span>
        {state ? (
          <span>
            {t.print.state}
            {t.marks.colon}
            {state}
          </span>
        ) : null}
        {hash ? <span class="mono">{hash}</span> : null}
      </div>
    </div>
  );
}
