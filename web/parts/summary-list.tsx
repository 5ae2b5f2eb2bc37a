// Station 1, web: facts as pairs, with a way to change each where there is one. A `dl`, never a table.
import type { Child } from 'hono/jsx';
import type { Text } from '../text/text.ts';

export type SummaryRow = { term: string; value: Child; change?: { href: string } };

/** `plain` sits inside a card without rules between the rows. */
export function SummaryList({
  t,
  rows,
  plain = false,
}: {
  t: Text;
  rows: readonly SummaryRow[];
  plain?: boolean;
}) {
  return (
    <div class="boxed-list">
      <dl class={plain ? 'summary-list plain' : 'summary-list'}>
        {rows.map(({ term, value, change }) => (
          <div>
            <dt>{term}</dt>
            <dd>
              {value === '' || value === null || value === undefined ? (
                <span class="soft">{t.words.notGiven}</span>
              ) : (
                value
              )}
            </dd>
            {change ? (
              <dd class="change">
                <a href={change.href}>
                  {t.words.change}
                  <span class="visually-hidden"> {term}</span>
                </a>
              </dd>
            ) : null}
          </div>
        ))}
      </dl>
    </div>
  );
}
