// Station 3, verbs about people: adding a person with the roles they hold. It ends in `recorded()`, on the person as
// subject; roles are given and ended later from the web (web/recorded.ts). Three administrations stay three people (SECURITY.md A7).
import { insert } from '../db/change.ts';
import type { Organisation } from '../domain/consortium.ts';
import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import { type Discipline, type Role, SEPARATE_ADMINISTRATIONS } from '../domain/roles.ts';
import { canonicalJson } from '../ledger/canonical.ts';
import { nodeHashing } from '../ledger/record-key.ts';
import { type Recorder, recorded } from '../ledger/recorded.ts';
import { SERVICE_PERSON } from './limits.ts';

export interface AddPerson {
  readonly key: string;
  readonly id: string;
  readonly name: string;
  readonly organisation: Organisation | null;
  readonly birthDate?: string;
  readonly roles: readonly {
    readonly role: Role;
    readonly disciplines?: readonly Discipline[];
    readonly lead?: boolean;
  }[];
  /** Who adds them; the service itself when a machine is set up. */
  readonly by?: { readonly person: string; readonly role: string };
}

/** Adds a person with their roles, once. */
export async function addPerson(
  recorder: Recorder,
  person: AddPerson,
): Promise<{ readonly id: string } | Refusal> {
  const separate = person.roles.filter(({ role }) =>
    (SEPARATE_ADMINISTRATIONS as readonly Role[]).includes(role),
  );
  if (separate.length > 1)
    return refuse('conflict-of-duties', { detail: { duty: separate.map(({ role }) => role).join(' ') } });
  const { answer } = await recorded<null>(
    recorder,
    {
      key: person.key,
      action: 'person.add',
      inputDigest: nodeHashing.text(
        nodeHashing.hash(new TextEncoder().encode(canonicalJson(JSON.parse(JSON.stringify(person))))),
      ),
      subject: { kind: 'person', id: person.id },
      actor: person.by ?? { person: SERVICE_PERSON, role: 'service' },
    },
    { text: 'SELECT null::json', params: [] },
    (_, { at, newId }) => ({
      event: 'person.added',
      changes: [
        insert('persons', {
          id: person.id,
          name: person.name,
          organisation: person.organisation,
          birthDate: person.birthDate ?? null,
          sex: null,
          language: null,
          addedAt: at,
        }),
        ...person.roles.map(({ role, disciplines = [], lead = false }) =>
          insert('roleAssignments', {
            id: newId(),
            personId: person.id,
            role,
            disciplines: [...disciplines],
            lead,
            assignedAt: at,
            reason: null,
            endedAt: null,
            endReason: null,
          }),
        ),
      ],
      answer: { id: person.id },
    }),
  );
  const result = answer as unknown as { id: string } | Refusal;
  return isRefusal(result) ? result : { id: result.id };
}
