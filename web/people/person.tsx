// Station 1, web: one person's roles, held and ended, and the forms by which the security administrator gives and ends them.
// Offers only what the rules allow; the transaction judges it again.
import type { Child } from 'hono/jsx';
import type { RoleLine } from '../../db/views/people.ts';
import { GIVEN_ROLES, roleChangeRefusal } from '../../domain/role-changes.ts';
import { DISCIPLINES, type Role } from '../../domain/roles.ts';
import { Hidden } from '../layout.tsx';
import { DataTable } from '../parts/data-table.tsx';
import { EmptyState } from '../parts/empty-state.tsx';
import { type FaultWords, faultAt } from '../parts/error-summary.tsx';
import { Field } from '../parts/field.tsx';
import { Moment } from '../parts/moment.tsx';
import { Said } from '../parts/said.tsx';
import { paths } from '../paths.ts';
import { Kept } from '../tasks/task.tsx';
import type { Text } from '../text/text.ts';

/** What was typed into one of the two forms. */
export interface TypedRole {
  readonly change: 'give' | 'end';
  readonly role: string;
  readonly disciplines: readonly string[];
  readonly lead: boolean;
  readonly reason: string;
  readonly faults: readonly FaultWords[];
}

export interface PersonProps {
  readonly t: Text;
  readonly reader: string;
  readonly person: { readonly id: string; readonly roles: readonly RoleLine[] };
  readonly keyOf: () => string;
  readonly typed?: TypedRole | undefined;
  /** How to prove who one is, when that is asked for first. */
  readonly confirm: Child | undefined;
  readonly notice?: Child;
  /** How they get in. */
  readonly waysIn: Child;
}

export function PersonRoles(props: PersonProps) {
  const { t, person, reader, confirm } = props;
  const held = person.roles.filter(({ until }) => until === null).map(({ role }) => role);
  const may = (change: 'give' | 'end', role: Role) =>
    roleChangeRefusal(reader, person.id, change, role, held) === undefined;
  const give = GIVEN_ROLES.filter((role) => may('give', role));
  const end = GIVEN_ROLES.filter((role) => may('end', role));
  return (
    <div class="stack-wide">
      {props.notice}
      {person.roles.length > 0 ? <Roles t={t} rows={person.roles} /> : <EmptyState words={t.manage.none} />}
      {reader === person.id ? <p>{t.refusals['conflict-of-duties']({ duty: 'own-roles' })}</p> : confirm}
      {confirm && props.typed ? <Kept t={t} typed={{ note: [props.typed.reason] }} /> : null}
      {reader === person.id || confirm ? null : (
        <div class="columns">
          {give.length > 0 ? <GiveForm {...props} roles={give} /> : null}
          {end.length > 0 ? <EndForm {...props} roles={end} /> : null}
        </div>
      )}
      {props.waysIn}
    </div>
  );
}

function Roles({ t, rows }: { t: Text; rows: readonly RoleLine[] }) {
  return (
    <DataTable
      t={t}
      id="roles"
      caption={t.people.roles}
      rows={rows}
      rowId={(row) => `role-${row.role}-${Date.parse(row.since)}`}
      columns={[
        { key: 'role', head: t.people.roles, rowHead: true, cell: ({ role }) => t.roles[role] },
        {
          key: 'disciplines',
          head: t.people.disciplines,
          cell: ({ disciplines, lead }) =>
            t.list([...(lead ? [t.manage.lead2] : []), ...disciplines.map((one) => t.disciplines[one])]),
        },
        {
          key: 'since',
          head: t.people.since,
          cell: ({ since, reason }) => (
            <>
              <Moment t={t} at={since} /> {reason ? <Said text={reason} /> : null}
            </>
          ),
        },
        {
          key: 'until',
          head: t.manage.ended,
          cell: ({ until, endReason }) =>
            until ? (
              <>
                <Moment t={t} at={until} /> {endReason ? <Said text={endReason} /> : null}
              </>
            ) : (
              ''
            ),
        },
      ]}
    />
  );
}

type FormProps = PersonProps & { readonly roles: readonly Role[] };

/** What the form shows again, and its faults; nothing when it was the other form. */
function typedIn({ typed }: PersonProps, change: TypedRole['change']) {
  return typed?.change === change ? typed : undefined;
}

/** Which role, in what, and why: also for somebody who is being added. */
export function RoleFields({
  t,
  roles,
  typed,
  faults,
}: {
  t: Text;
  roles: readonly Role[];
  typed: Pick<TypedRole, 'role' | 'disciplines' | 'lead' | 'reason'> | undefined;
  faults: readonly FaultWords[];
}) {
  return (
    <>
      <Field
        t={t}
        name="role"
        label={t.manage.role}
        control="select"
        value={typed?.role}
        options={roles.map((value) => ({ value, label: t.roles[value] }))}
        fault={faultAt(faults, 'role')}
      />
      <Field
        t={t}
        name="disciplines"
        label={t.people.disciplines}
        hint={t.manage.disciplinesHint}
        control="checkboxes"
        value={typed?.disciplines ?? []}
        options={DISCIPLINES.map((value) => ({ value, label: t.disciplines[value] }))}
        fault={faultAt(faults, 'disciplines')}
      />
      <Field
        t={t}
        name="lead"
        label={t.manage.leads}
        control="checkboxes"
        value={typed?.lead ? ['yes'] : []}
        options={[{ value: 'yes', label: t.manage.lead2 }]}
      />
      <Field
        t={t}
        name="reason"
        label={t.manage.why}
        hint={t.manage.whyHint}
        value={typed?.reason}
        maxlength={500}
        fault={faultAt(faults, 'reason')}
      />
    </>
  );
}

function GiveForm(props: FormProps) {
  const { t, person, roles } = props;
  const typed = typedIn(props, 'give');
  const faults = typed?.faults ?? [];
  return (
    <form method="post" action={paths.giveRole(person.id)} class="card stack" novalidate>
      <h2>{t.manage.give}</h2>
      <Hidden values={{ key: props.keyOf() }} />
      <RoleFields t={t} roles={roles} typed={typed} faults={faults} />
      <p>
        <button class="button primary" type="submit">
          {t.manage.give}
        </button>
      </p>
    </form>
  );
}

function EndForm(props: FormProps) {
  const { t, person, roles } = props;
  const typed = typedIn(props, 'end');
  const faults = typed?.faults ?? [];
  return (
    <form method="post" action={paths.endRole(person.id)} class="card stack" novalidate>
      <h2>{t.manage.end}</h2>
      <p class="soft">{t.manage.endHint}</p>
      <Hidden values={{ key: props.keyOf() }} />
      <Field
        t={t}
        name="ending"
        label={t.manage.role}
        control="select"
        value={typed?.role}
        options={roles.map((value) => ({ value, label: t.roles[value] }))}
        fault={faultAt(faults, 'ending')}
      />
      <Field
        t={t}
        name="why"
        label={t.manage.why}
        hint={t.manage.whyHint}
        value={typed?.reason}
        maxlength={500}
        fault={faultAt(faults, 'why')}
      />
      <p>
        <button class="button" type="submit">
          {t.manage.end}
        </button>
      </p>
    </form>
  );
}
