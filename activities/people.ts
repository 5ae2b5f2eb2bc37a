// Station 3, verbs about people: adding a person with the roles they hold. It ends in `recorded()`, on the person as
// subject; roles are given and ended later from the web (web/recorded.ts). Three administrations stay three people (SECURITY.md A7).
import { type AddedPerson, addedPersonRows } from '../db/writes/people.ts';
import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import { type Role, SEPARATE_ADMINISTRATIONS, SERVICE } from '../domain/roles.ts';
import { canonicalJson } from '../ledger/canonical.ts';
import { nodeHashing } from '../ledger/record-key.ts';
import { type Recorder, recorded } from '../ledger/recorded.ts';

export interface AddPerson extends AddedPerson {
  readonly key: string;
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
      actor: person.by ?? SERVICE,
    },
    { text: 'SELECT null::json', params: [] },
    (_, { at, newId }) => ({
      event: 'person.added',
      changes: addedPersonRows(person, at, newId),
      answer: { id: person.id },
    }),
  );
  const result = answer as unknown as { id: string } | Refusal;
  return isRefusal(result) ? result : { id: result.id };
}
