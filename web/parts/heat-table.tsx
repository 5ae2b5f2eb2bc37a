// Station 1, web: counts in a grid. The figure is printed in every cell; shade comes second and each cell leads to its list.
import type { Text } from '../text/text.ts';

export type HeatCell = { count: number; href?: string | undefined };
export type HeatTableProps = {
  t: Text;
  caption: string;
  corner: string;
  columns: readonly { key: string; head: string; late?: boolean }[];
  rows: readonly { id: string; head: string; cells: readonly HeatCell[] }[];
  id?: string;
};

/** Five steps by share of the largest figure; nothing is shaded where nothing is. */
function shade(count: number, most: number): string {
  if (count === 0 || most === 0) return '';
  return `heat-${Math.min(4, 1 + Math.floor((count / most) * 3.999))}`;
}

export function HeatTable({ t, caption, corner, columns, rows, id = 'heat' }: HeatTableProps) {
  const most = Math.max(0, ...rows.flatMap((row) => row.cells.map((cell) => cell.count)));
  return (
    <section class="table-box scroll" tabindex={0} aria-labelledby={`${id}-caption`} id={id}>
      <table class="table heat">
        <caption id={`${id}-caption`}>{caption}</caption>
        <thead>
          <tr>
            <th scope="col">{corner}</th>
            {columns.map((column) => (
              <th scope="col" class="number">
                {column.head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr id={`${id}-${row.id}`}>
              <th scope="row">{row.head}</th>
              {row.cells.map((cell, index) => (
                <td
                  class={
                    columns[index]?.late && cell.count > 0
                      ? 'heat-late'
                      : shade(cell.count, most) || undefined
                  }
                >
                  {cell.href && cell.count > 0 ? (
                    <a href={cell.href}>
                      {t.number(cell.count)}
                      <span class="visually-hidden">
                        {' '}
                        {row.head}, {columns[index]?.head}
                      </span>
                    </a>
                  ) : (
                    <span>{t.number(cell.count)}</span>
                  )}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
