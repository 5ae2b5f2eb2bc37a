// Station 1, web: the form by which the security administrator adds a person with the role they begin with. Asks for nothing that the
// service does not use.
import type { Child } from 'hono/jsx';
import { ORGANISATIONS } from '../../domain/consortium.ts';
import { GIVEN_ROLES } from '../../domain/role-changes.ts';
import { Hidden } from '../layout.tsx';
import { type FaultWords, faultAt } from '../parts/error-summary.tsx';
import { Field } from '../parts/field.tsx';
import { paths } from '../paths.ts';
import type { Text } from '../text/text.ts';
import { RoleFields } from './person.tsx';

/** What was typed into the form. */
export interface TypedPerson {
  readonly name: string;
  readonly organisation: string;
  readonly role: string;
  readonly disciplines: readonly string[];
  readonly lead: boolean;
  readonly reason: string;
  readonly faults: readonly FaultWords[];
}

export function AddPersonForm({
  t,
  typed,
  formKey,
  confirm,
}: {
  t: Text;
  typed: TypedPerson | undefined;
  formKey: string;
  /** How to prove who one is, when that is asked for first. */
  confirm: Child | undefined;
}) {
  const w = t.invitations;
  const faults = typed?.faults ?? [];
  return (
    <div class="form-page stack-wide">
      {confirm}
      <form method="post" action={paths.addPerson} class="stack" novalidate>
        <Hidden values={{ key: formKey }} />
        <Field
          t={t}
          name="name"
          label={w.name}
          hint={w.nameHint}
          value={typed?.name}
          maxlength={200}
          autocomplete="off"
          fault={faultAt(faults, 'name')}
        />
        <Field
          t={t}
          name="organisation"
          label={w.organisation}
          control="select"
          value={typed?.organisation ?? ''}
          options={[
            { value: '', label: t.manage.outside },
            ...ORGANISATIONS.map((value) => ({ value, label: t.organisations[value] })),
          ]}
          fault={faultAt(faults, 'organisation')}
        />
        <RoleFields t={t} roles={GIVEN_ROLES} typed={typed} faults={faults} />
        {confirm ? null : (
          <div class="actions">
            <button class="button primary" type="submit">
              {w.add}
            </button>
          </div>
        )}
      </form>
    </div>
  );
}
