// Station 4, statements of people: the rows by which somebody is added with the roles they begin with. Pure; who may add whom is
// judged by whoever asks.
import type { Organisation } from '../../domain/consortium.ts';
import type { Discipline, Role } from '../../domain/roles.ts';
import { type Change, insert } from '../change.ts';

/** Somebody to be added. */
export interface AddedPerson {
  readonly id: string;
  readonly name: string;
  readonly organisation: Organisation | null;
  readonly birthDate?: string;
  readonly roles: readonly {
    readonly role: Role;
    readonly disciplines?: readonly Discipline[];
    readonly lead?: boolean;
    /** Why they get it; none for what a machine is set up with. */
    readonly reason?: string;
  }[];
}

export const addedPersonRows = (person: AddedPerson, at: string, newId: () => string): Change[] => [
  insert('persons', {
    id: person.id,
    name: person.name,
    organisation: person.organisation,
    birthDate: person.birthDate ?? null,
    sex: null,
    language: null,
    addedAt: at,
  }),
  ...person.roles.map(({ role, disciplines = [], lead = false, reason = null }) =>
    insert('roleAssignments', {
      id: newId(),
      personId: person.id,
      role,
      disciplines: [...disciplines],
      lead,
      assignedAt: at,
      reason,
      endedAt: null,
      endReason: null,
    }),
  ),
];
