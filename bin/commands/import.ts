// Composition: `rehab import`: FHIR R4 bundles through the web's own door, each becoming a draft application or a plain no.
// Exit 0 all taken, 2 some refused, 1 when nobody can be reached. Stores nothing by itself.
import { type Attached, attachAll, type Imported, importAll } from '../drive/import.ts';
import { CannotReach } from '../drive/people.ts';

export interface ImportCommand {
  readonly origin: string;
  readonly files: readonly string[];
  /** Number of a case to whose held assessment published results are attached. */
  readonly case?: string;
  readonly json: boolean;
}

/** One line of words for a file. */
export function importedLine(one: Imported): string {
  switch (one.kind) {
    case 'draft': {
      const reason = one.reason ? `reason ${JSON.stringify(one.reason)}` : 'no reason found';
      const asked = one.questions.map(({ code }) => code).join(', ') || 'nothing';
      return `${one.file}: draft ${one.draft}, ${reason}, asks ${asked}, ${one.setAside} set aside`;
    }
    case 'duplicate':
      return `${one.file}: refused, already here as ${one.of === 'draft' ? `a draft ${one.draft ?? ''}`.trim() : 'an application'}`;
    case 'refused':
      return `${one.file}: refused, ${one.faults
        .map(({ message, path }) => (path ? `${message} (${path})` : message))
        .join(' ')}`;
    default:
      return one satisfies never;
  }
}

/** One line of words for a file of results. */
export function attachedLine(one: Attached): string {
  if (one.kind === 'refused') return importedLine(one);
  const results = one.results.map(({ instrument, taken, total, stated, findings }) => {
    const found = findings.map(({ text }) => ` ${text}`).join('');
    const totals = `total ${total ?? 'open'}${stated !== null && stated !== total ? `, stated ${stated}` : ''}`;
    return `${instrument} ${taken ? 'filled in' : 'not taken'}, ${totals}.${found}`;
  });
  return `${one.file}: ${results.join(' ') || 'no results'}`;
}

/** Hands in and prints. Returns the exit code. */
export async function importRecords(command: ImportCommand): Promise<number> {
  try {
    if (command.case !== undefined) {
      const attached = await attachAll(command.origin, command.case, command.files, (one) => {
        if (!command.json) console.log(attachedLine(one));
      });
      if (command.json) console.log(JSON.stringify(attached));
      const taken = attached.every((one) => one.kind === 'filled' && one.results.some((r) => r.taken));
      return taken ? 0 : 2;
    }
    const all = await importAll(command.origin, command.files, (one) => {
      if (!command.json) console.log(importedLine(one));
    });
    if (command.json) console.log(JSON.stringify(all));
    return all.every(({ kind }) => kind === 'draft') ? 0 : 2;
  } catch (error) {
    if (!(error instanceof CannotReach) && (error as Error).name !== 'NoAnswer') throw error;
    console.error((error as Error).message);
    return 1;
  }
}
