// Station 1, web: the sign-in page. No memory test: a passkey, or in the demonstration a list of invented people by role.
import type { Organisation } from '../../domain/consortium.ts';
import type { Discipline, Role } from '../../domain/roles.ts';
import { Notice } from '../parts/notice.tsx';
import { Said } from '../parts/said.tsx';
import type { Text } from '../text/text.ts';

export interface DemonstrationPerson {
  readonly id: string;
  readonly name: string;
  readonly organisation: Organisation | null;
  readonly role: Role;
  readonly lead: boolean;
  readonly disciplines: readonly Discipline[];
}

export function SignIn({
  t,
  people,
  signedOut,
}: {
  t: Text;
  people: readonly DemonstrationPerson[];
  signedOut: boolean;
}) {
  const roles = [...new Set(people.map((person) => person.role))];
  return (
    <>
      {signedOut ? <Notice tone="note">{t.signIn.signedOut}</Notice> : null}
      {roles.length > 0 ? (
        <section class="stack">
          <h2>{t.signIn.demoTitle}</h2>
          <p>{t.signIn.demo}</p>
          {roles.map((role) => (
            <section class="stack">
              <h3>{t.roles[role]}</h3>
              <ul class="cluster plain">
                {people
                  .filter((person) => person.role === role)
                  .map((person) => (
                    <li>
                      <form method="post" action="/sign-in/demonstration">
                        <input type="hidden" name="person" value={person.id} />
                        <input type="hidden" name="role" value={role} />
                        <button class="button" type="submit">
                          <Said inline text={person.name} />
                          {person.lead ? `, ${t.signIn.lead}` : ''}
                        </button>
                      </form>
                    </li>
                  ))}
              </ul>
            </section>
          ))}
        </section>
      ) : null}
    </>
  );
}
