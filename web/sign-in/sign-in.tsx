// Station 1, web: the sign-in page. No memory test: a passkey, or in the demonstration a list of invented people by role.
import type { Organisation } from '../../domain/consortium.ts';
import { type Discipline, ROLES, type Role } from '../../domain/roles.ts';
import { assetUrl } from '../assets/manifest.ts';
import { Hidden } from '../layout.tsx';
import { Icon } from '../parts/icon.tsx';
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
  passkeys,
  signedOut,
  to,
}: {
  t: Text;
  people: readonly DemonstrationPerson[];
  /** Whether the service is reached under a name, as passkeys demand. */
  passkeys: boolean;
  signedOut: boolean;
  /** The page that was asked for before signing in. */
  to: string | undefined;
}) {
  const roles = ROLES.filter((role) => people.some((person) => person.role === role));
  return (
    <div class="sign-in stack">
      {signedOut ? <Notice tone="note">{t.signIn.signedOut}</Notice> : null}
      {to ? <Notice tone="note">{t.signIn.goesOn}</Notice> : null}
      <section class="card stack">
        {passkeys ? (
          <form
            class="stack"
            method="post"
            action="/sign-in/passkey"
            data-passkey="use"
            data-waiting={t.passkeys.waiting}
            data-refused={t.signIn.unknown}
          >
            <Hidden values={{ to }} />
            <p>{t.signIn.passkeyHint}</p>
            <div class="cluster">
              <button class="button primary" type="submit" disabled>
                <Icon name="key-round" />
                {t.signIn.passkey}
              </button>
              <span role="status" />
            </div>
            <noscript>
              <p class="soft">{t.signIn.noScript}</p>
            </noscript>
          </form>
        ) : (
          <p class="soft">{t.passkeys.needsName}</p>
        )}
      </section>
      {roles.length > 0 ? (
        <section class="stack" aria-labelledby="demonstration">
          <div class="stack-tight">
            <h2 id="demonstration">{t.signIn.demoTitle}</h2>
            <p class="soft">{t.signIn.demo}</p>
          </div>
          {roles.map((role) => (
            <section class="stack-tight">
              <h3 class="role-name">{t.roles[role]}</h3>
              <ul class="people plain">
                {people
                  .filter((person) => person.role === role)
                  .map((person) => (
                    <li>
                      <form method="post" action="/sign-in/demonstration">
                        <Hidden values={{ person: person.id, role, to }} />
                        <button class="person" type="submit">
                          <b>
                            <Said inline text={person.name} />
                          </b>
                          <span class="meta">{aboutOf(t, person)}</span>
                        </button>
                      </form>
                    </li>
                  ))}
              </ul>
            </section>
          ))}
        </section>
      ) : null}
      {passkeys ? <script src={assetUrl('passkey.js')} defer /> : null}
    </div>
  );
}

/** What tells people of one role apart: organisation, disciplines, lead. */
function aboutOf(t: Text, person: DemonstrationPerson): string {
  const parts = [
    ...(person.organisation ? [t.organisations[person.organisation]] : []),
    ...(person.lead ? [t.signIn.lead] : []),
    ...person.disciplines.map((discipline) => t.disciplines[discipline]),
  ];
  return parts.length > 0 ? parts.join(' · ') : t.roles[person.role];
}
