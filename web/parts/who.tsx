// Station 1, web: a person who acts, with the role they acted in and the person they acted for. Names stay as written.
import type { Organisation } from '../../domain/consortium.ts';
import type { Role } from '../../domain/roles.ts';
import type { Text } from '../text/text.ts';
import { Said } from './said.tsx';

/** `name` undefined means the service itself acted (a limit ended, a batch was anchored). */
export type WhoView = {
  name?: string | undefined;
  role?: Role | undefined;
  organisation?: Organisation | undefined;
  actingFor?: string | undefined;
  /** The reader is this person. */
  you?: boolean;
};

export function Who({ t, who, full = false }: { t: Text; who: WhoView; full?: boolean }) {
  if (!who.name) return <span class="soft">{t.who.system}</span>;
  const role = who.role
    ? who.organisation
      ? t.who.roleAt(t.roles[who.role], t.organisations[who.organisation])
      : t.roles[who.role]
    : undefined;
  const [beforeName = '', afterName = ''] = t.who.forWhom('\u0000').split('\u0000');
  return (
    <span class="who">
      <Said inline text={who.name} />
      {who.you ? <span class="soft"> ({t.words.you})</span> : null}
      {full && role ? (
        <span class="soft">
          {t.marks.comma}
          {role}
        </span>
      ) : null}
      {who.actingFor ? (
        <span class="who-for">
          {' '}
          {beforeName}
          <Said inline text={who.actingFor} />
          {afterName}
        </span>
      ) : null}
    </span>
  );
}
