// Station 1, web: the same acts as each of four stores tells them. Agreement is a sign and a word, never colour only; agreeing rows fold.
import type { Text } from '../text/text.ts';

export const STORES = ['postgres', 'history', 'log', 'chain'] as const;
export type Store = (typeof STORES)[number];
export type StoreCell = { state: 'agrees' | 'differs' | 'waits'; words: string };
export type StoreRow = { id: string; number: number; act: string; cells: Readonly<Record<Store, StoreCell>> };

const SIGNS = { agrees: '=', differs: 'X', waits: '~' } as const;
const CLASSES = { agrees: 'agree', differs: 'differ', waits: 'wait' } as const;
const agrees = (row: StoreRow) => STORES.every((store) => row.cells[store].state === 'agrees');

export function FourStores({ t, rows }: { t: Text; rows: readonly StoreRow[] }) {
  const whole = rows.filter(agrees);
  const broken = rows.filter((row) => !agrees(row));
  const differ = broken.filter((row) => STORES.some((store) => row.cells[store].state === 'differs'));
  return (
    <div class="stack">
      <p role="status">{t.stores.summary(whole.length, differ.length, broken.length - differ.length)}</p>
      {broken.length > 0 ? <StoresTable t={t} rows={broken} id="stores-broken" /> : null}
      {whole.length > 0 ? (
        <details class="details" open={broken.length === 0}>
          <summary>{t.stores.fold(whole.length)}</summary>
          <StoresTable t={t} rows={whole} id="stores-whole" />
        </details>
      ) : null}
    </div>
  );
}

function StoresTable({ t, rows, id }: { t: Text; rows: readonly StoreRow[]; id: string }) {
  return (
    <section class="table-box scroll" tabindex={0} aria-labelledby={`${id}-caption`}>
      <table class="table stores">
        <caption class="visually-hidden" id={`${id}-caption`}>
          {t.stores.caption}
        </caption>
        <thead>
          <tr>
            <th scope="col" class="number">
              #
            </th>
            <th scope="col">{t.stores.act}</th>
            {STORES.map((store) => (
              <th scope="col">{t.stores[store]}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr id={row.id}>
              <td class="number">{t.number(row.number)}</td>
              <th scope="row">{row.act}</th>
              {STORES.map((store) => {
                const cell = row.cells[store];
                return (
                  <td class={CLASSES[cell.state]}>
                    <span class="sign" aria-hidden="true">
                      {SIGNS[cell.state]}
                    </span>
                    <span class="visually-hidden">{t.stores[cell.state]}: </span>
                    {cell.words}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
