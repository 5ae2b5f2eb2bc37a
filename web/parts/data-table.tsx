// Station 1, web: rows of facts. One table for every width: below 40 rem the same rows read as cards, by style alone.
// A row has one link and at most one checkbox; what cannot fit scrolls inside a region that takes focus.
import type { Child } from 'hono/jsx';
import type { Text } from '../text/text.ts';
import { Icon } from './icon.tsx';

export type Column<Row> = {
  key: string;
  head: string;
  cell: (row: Row) => Child;
  /** The cell that names the row; exactly one column. */
  rowHead?: boolean;
  number?: boolean;
  /** Address of the same list sorted by this column, and how it is sorted now. */
  sort?: { href: string; now?: 'ascending' | 'descending' };
  /** On cards: shown without its label. */
  bare?: boolean;
};

export type RowState = { mine?: boolean; gone?: boolean };

export type DataTableProps<Row> = {
  t: Text;
  caption: string;
  /** Shows the caption; otherwise only screen readers hear it. */
  showCaption?: boolean;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  /** Stable id of a row's `tr`; makes rows findable by morphing. Letters, digits and hyphens. */
  rowId: (row: Row) => string;
  rowState?: (row: Row) => RowState;
  /** Puts a checkbox before each row. */
  pick?: { name: string; value: (row: Row) => string; label: (row: Row) => string };
  /** On narrow screens `cards` (default), `scroll` where only a table makes sense, or `plain` for few short columns. */
  narrow?: 'cards' | 'scroll' | 'plain';
  /** J, K and arrows move between the rows' links (mark them with `data-row-link`). */
  keys?: boolean;
  id?: string;
};

/** One `tr`, also sent alone as a live update: its id is stable and it is swapped whole (UI.md 5.9). */
export function DataRow<Row>({ row, table }: { row: Row; table: DataTableProps<Row> }) {
  const { columns, rowId, rowState, pick } = table;
  const state = rowState?.(row) ?? {};
  const classes = [state.mine ? 'mine' : '', state.gone ? 'gone' : ''].filter(Boolean).join(' ');
  return (
    <tr id={rowId(row)} {...(classes ? { class: classes } : {})}>
      {pick ? (
        <td class="pick">
          <input
            type="checkbox"
            class="row-pick"
            id={`${rowId(row)}-pick`}
            name={pick.name}
            value={pick.value(row)}
            aria-label={pick.label(row)}
          />
        </td>
      ) : null}
      {columns.map((column) =>
        column.rowHead ? (
          <th scope="row" class={column.number ? 'number' : undefined}>
            {column.cell(row)}
          </th>
        ) : (
          <td
            class={
              [column.number ? 'number' : '', column.bare ? 'bare' : ''].filter(Boolean).join(' ') ||
              undefined
            }
            data-label={column.head}
          >
            {column.cell(row)}
          </td>
        ),
      )}
    </tr>
  );
}

export function DataTable<Row>(props: DataTableProps<Row>) {
  const { t, caption, columns, rows, pick, id } = props;
  const narrow = props.narrow ?? 'cards';
  const captionId = `${id ?? 'table'}-caption`;
  const table = (
    <table
      class={narrow === 'scroll' ? 'table' : `table ${narrow}`}
      {...(id ? { id } : {})}
      {...(props.keys ? { 'data-list': '' } : {})}
    >
      <caption id={captionId} class={props.showCaption ? undefined : 'visually-hidden'}>
        {caption}
      </caption>
      <thead>
        <tr>
          {pick ? <td class="pick" /> : null}
          {columns.map((column) => (
            <th
              scope="col"
              class={column.number ? 'number' : undefined}
              {...(column.sort?.now ? { 'aria-sort': column.sort.now } : {})}
            >
              {column.sort ? (
                <a href={column.sort.href}>
                  {column.head}
                  {column.sort.now ? (
                    <Icon name={column.sort.now === 'ascending' ? 'arrow-up' : 'arrow-down'} />
                  ) : null}
                  <span class="visually-hidden"> {t.table.sortBy(column.head)}</span>
                </a>
              ) : (
                column.head
              )}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <DataRow row={row} table={props} />
        ))}
      </tbody>
    </table>
  );
  return narrow !== 'scroll' ? (
    <div class="table-box">{table}</div>
  ) : (
    // A region that scrolls must be reachable by keyboard, or its end is out of reach (WCAG 2.1.1).
    <section class="table-box scroll" tabindex={0} aria-labelledby={captionId}>
      {table}
    </section>
  );
}
