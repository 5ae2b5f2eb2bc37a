// Station 7, what was changed past the ledger: the notes of the database's triggers, and the triggers themselves.
// Narrows the windows of what was found, and tells of what was put back. Never takes a finding away.
import type { Found, Report } from './verify-finding.ts';
import { firstSizeOver } from './verify-memory.ts';
import type { Finding, OutsideChange, StoredGuardFault, StoredLog } from './verify-sources.ts';
import { UNCHECKED } from './verify-witnesses.ts';

/** Told one by one; a statement that changed a whole table notes every row of it. */
const SHOWN = 1000;

const KINDS: Readonly<Record<Exclude<OutsideChange['verb'], 'GUARD'>, Finding['kind']>> = {
  INSERT: 'inserted',
  UPDATE: 'edited',
  DELETE: 'deleted',
  TRUNCATE: 'truncated',
};

const DONE: Readonly<Record<Exclude<OutsideChange['verb'], 'GUARD'>, string>> = {
  INSERT: 'Row was added past the ledger',
  UPDATE: 'Row was changed past the ledger, and is as it was',
  DELETE: 'Row was deleted past the ledger',
  TRUNCATE: 'Table was emptied past the ledger',
};

const FAULTS: Readonly<
  Record<StoredGuardFault['fault'], { readonly kind: Finding['kind']; readonly says: string }>
> = {
  missing: { kind: 'deleted', says: 'Guard is missing; run rehab migrate when it is known who took it' },
  disabled: {
    kind: 'edited',
    says: 'Guard is switched off; run rehab migrate when it is known who did it',
  },
  altered: { kind: 'edited', says: 'Guard is not the one that was defined' },
  foreign: { kind: 'inserted', says: 'Trigger was never defined by us' },
};

const storeOf = (table: string): Finding['store'] =>
  /^(audit_entries|log_)/.test(table) ? 'log' : 'postgres';

const placeOf = (table: string | null, row: string | null): string => `${table}\n${row}`;

interface Times {
  readonly sizes: readonly number[];
  readonly newest: number;
}

/**
 * Sharpens what was found so far, in place, and reports what only the database's own notes tell.
 * @param found every finding about rows and log; windows and sentences may be replaced
 */
export async function checkOutside(
  stored: StoredLog,
  times: Times,
  found: Found[],
  report: Report,
): Promise<void> {
  const places = new Map<string, number[]>();
  // What could not be checked says nothing of a change.
  for (const [at, { table, row, kind }] of found.entries())
    if (!UNCHECKED.has(kind))
      places.set(placeOf(table, row), [...(places.get(placeOf(table, row)) ?? []), at]);
  const told = new Set<string>();
  let next = 1;
  let untold = 0;
  for await (const portion of stored.outsideChanges())
    for (const change of portion) {
      if (change.id > next)
        report({
          store: 'postgres',
          table: 'outside_changes',
          row: change.id - next === 1 ? String(next) : `${next}-${change.id - 1}`,
          column: null,
          kind: 'deleted',
          rightAt: null,
          wrongAt: change.size,
          says: `Notes of changes past the ledger were taken away: ${next} to ${change.id - 1}`,
        });
      next = change.id + 1;
      const place = placeOf(change.table, change.row);
      const known = places.get(place);
      // The first change of a place says until when it was right.
      if (known && !told.has(place))
        for (const at of known) found[at] = sharpened(found[at] as Found, change, times);
      else if (!known && told.size + 1 > SHOWN) untold += 1;
      else if (!known && !told.has(place)) report(tidied(change, times));
      told.add(place);
    }
  if (untold > 0)
    report({
      store: 'postgres',
      table: 'outside_changes',
      row: null,
      column: null,
      kind: 'edited',
      rightAt: null,
      wrongAt: times.newest || null,
      says: `More rows were changed past the ledger than are told one by one: ${untold}`,
    });
  for (const { table, guard, fault } of await stored.guardFaults())
    report({
      store: 'postgres',
      table,
      row: guard,
      column: null,
      kind: FAULTS[fault].kind,
      rightAt: null,
      wrongAt: times.newest || null,
      says: `${FAULTS[fault].says}: ${guard}`,
    });
}

const windowOf = (change: OutsideChange, times: Times): Pick<Finding, 'rightAt' | 'wrongAt'> => ({
  rightAt: change.size || null,
  wrongAt: firstSizeOver(times.sizes, change.size) ?? times.newest,
});

function sharpened(finding: Found, change: OutsideChange, times: Times): Found {
  const window = windowOf(change, times);
  return {
    ...finding,
    ...(change.size >= (finding.rightAt ?? 0) ? window : {}),
    says: `${finding.says}; changed past the ledger by ${change.role} at ${change.at}`,
  };
}

/** A change of a place in which nothing is wrong by now. */
function tidied(change: OutsideChange, times: Times): Found {
  const { table, row, verb, columns, role, at } = change;
  const window = windowOf(change, times);
  if (verb === 'GUARD')
    return {
      store: 'postgres',
      table,
      row,
      column: null,
      kind: columns[0] === 'missing' ? 'deleted' : 'edited',
      ...window,
      says: `Guard had been taken away or switched off, and was put back at ${at}: ${row}`,
    };
  return {
    store: storeOf(table),
    table,
    row,
    column: columns.length === 1 ? (columns[0] as string) : null,
    kind: KINDS[verb],
    ...window,
    says: `${DONE[verb]}, by ${role} at ${at}: ${table}${row === null ? '' : ` ${row}`}`,
  };
}
