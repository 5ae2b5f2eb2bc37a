// Station 1, web: where one is in a list that is paged by key, and the way on. Plain links: the address holds the place.
import type { Text } from '../text/text.ts';

export type PagerProps = {
  t: Text;
  /** 1-based positions of the first and last row shown; 0 when nothing is. */
  from: number;
  to: number;
  /** Exact count, or undefined when there are more than 10 000. */
  total: number | undefined;
  size: number;
  nextHref?: string | undefined;
  firstHref?: string | undefined;
  /** Address of this list with another number of rows. */
  sizeHref?: (size: number) => string;
};

export function Pager({ t, from, to, total, size, nextHref, firstHref, sizeHref }: PagerProps) {
  return (
    <nav class="pager" aria-label={t.pager.label}>
      <span class="figures">
        {total === undefined ? t.pager.rangeOpen(from, to) : t.pager.range(from, to, total)}
      </span>
      {firstHref ? <a href={firstHref}>{t.pager.first}</a> : null}
      {nextHref ? (
        <a class="button small" href={nextHref} rel="next">
          {t.pager.next(total === undefined ? size : Math.min(size, total - to))}
        </a>
      ) : null}
      {sizeHref ? (
        <span class="sizes">
          {t.pager.rows}
          {[25, 50, 100].map((n) =>
            n === size ? (
              <b aria-current="true">{n}</b>
            ) : (
              <a href={sizeHref(n)} aria-label={t.pager.rowsOf(n)}>
                {n}
              </a>
            ),
          )}
        </span>
      ) : null}
    </nav>
  );
}
