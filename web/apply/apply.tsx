// Station 1, web: the application form and, beside it, what a record that was read in says. Known things are filled in and
// can be changed; nothing is asked twice.

import type { Child } from 'hono/jsx';
import { BASES, CAUSES, QUESTIONS } from '../../fhir/questions.ts';
import { formAttributes, Hidden } from '../layout.tsx';
import { type FaultWords, faultAt } from '../parts/error-summary.tsx';
import { Field } from '../parts/field.tsx';
import { Icon } from '../parts/icon.tsx';
import { Notice } from '../parts/notice.tsx';
import { Said } from '../parts/said.tsx';
import { SummaryList } from '../parts/summary-list.tsx';
import type { Text } from '../text/text.ts';
import type { DraftContent } from './record-draft.ts';

export interface ApplyView {
  readonly key: string;
  readonly values: Readonly<Record<string, string>>;
  readonly faults: readonly FaultWords[];
  readonly draft?:
    | { readonly id: string; readonly content: DraftContent; readonly createdAt: string }
    | undefined;
  /** What is known of the person who applies for themselves; then it is shown and not asked. */
  readonly known?: { readonly name: string; readonly birthDate: string | null } | undefined;
  readonly notice?: Child;
}

/** The form with its notes. The fragment of a corrected form is this, whole. */
export function ApplyForm({ t, view }: { t: Text; view: ApplyView }) {
  const { values, faults, draft, known } = view;
  const at = (field: string) => faultAt(faults, field);
  const languages = [
    { value: 'de', label: 'Deutsch' },
    { value: 'en', label: 'English' },
    { value: 'zh-Hans', label: '中文' },
  ];
  const language = values.language ?? '';
  return (
    <div id="apply" class="stack">
      {view.notice}
      <form {...formAttributes('/apply')} id="apply-form" class="form-page" hx-target="#apply">
        <Hidden values={{ key: view.key, draft: draft?.id }} />
        {known ? (
          <SummaryList
            t={t}
            rows={[
              { term: t.fields.patientName, value: <Said inline text={known.name} /> },
              ...(known.birthDate
                ? [{ term: t.fields.birthDate, value: t.calendarDate(known.birthDate) }]
                : []),
            ]}
          />
        ) : (
          <Field
            t={t}
            name="patientName"
            label={t.fields.patientName}
            hint={t.fields.patientNameHint}
            value={values.patientName}
            fault={at('patientName')}
            maxlength={200}
          />
        )}
        {known?.birthDate ? null : (
          <Field
            t={t}
            control="date"
            name="birthDate"
            label={t.fields.birthDate}
            hint={t.fields.dateHint}
            value={values.birthDate}
            fault={at('birthDate')}
          />
        )}
        {known ? null : (
          <Field
            t={t}
            control="radios"
            layout="row"
            name="sex"
            label={t.fields.sex}
            value={values.sex || 'unknown'}
            fault={at('sex')}
            options={['female', 'male', 'other', 'unknown'].map((value) => ({
              value,
              label: t.fields.sexes[value] ?? value,
            }))}
          />
        )}
        <Field
          t={t}
          control="select"
          name="language"
          label={t.fields.language}
          optional
          value={language}
          fault={at('language')}
          options={[
            ...languages,
            ...(language && !languages.some(({ value }) => value === language)
              ? [{ value: language, label: language }]
              : []),
          ]}
        />
        <Field
          t={t}
          control="textarea"
          name="reason"
          label={t.fields.reason}
          hint={t.fields.reasonHint}
          value={values.reason}
          fault={at('reason')}
          rows={5}
          maxlength={2000}
        />
        <Field
          t={t}
          control="date"
          name="reasonSince"
          label={t.fields.reasonSince}
          hint={t.fields.dateHint}
          optional
          value={values.reasonSince}
          fault={at('reasonSince')}
        />
        <Field
          t={t}
          control="textarea"
          name="goals"
          label={t.fields.goals}
          optional
          value={values.goals}
          fault={at('goals')}
          rows={4}
          maxlength={2000}
        />
        <div class="actions">
          <button class="button primary" type="submit">
            <Icon name="send" />
            {t.buttons['submit-application']}
          </button>
        </div>
      </form>
    </div>
  );
}

export function ApplyPage({ t, view }: { t: Text; view: ApplyView }) {
  return (
    <div class="aside-split">
      <ApplyForm t={t} view={view} />
      <aside class="stack">
        {view.draft ? <FromRecord t={t} draft={view.draft} /> : null}
        <section class="card stack-tight">
          <h2>{t.apply.whatNext}</h2>
          <p>{t.apply.whatNextText}</p>
        </section>
      </aside>
    </div>
  );
}

function FromRecord({ t, draft }: { t: Text; draft: NonNullable<ApplyView['draft']> }) {
  const { content } = draft;
  const [first, ...others] = content.proposals;
  return (
    <>
      {content.questions.length > 0 ? (
        <Notice tone="note" icon="message-square">
          <h2 class="lead">{t.drafted.questions}</h2>
          <ul>
            {content.questions.map((code) => (
              <li>{QUESTIONS[code][t.lang]}</li>
            ))}
          </ul>
          <p class="meta">{t.drafted.questionsHint}</p>
        </Notice>
      ) : null}
      <section class="card stack-tight">
        <h2>{t.drafted.proposed}</h2>
        {first ? (
          <>
            <Said text={first.text} />
            <p class="meta">{t.drafted.because(BASES[first.basis][t.lang])}</p>
          </>
        ) : (
          <p>{t.importing.noReason}</p>
        )}
        {others.length > 0 ? (
          <>
            <h3>{t.drafted.others}</h3>
            <ul>
              {others.map((other) => (
                <li>
                  <Said inline text={other.text} />
                </li>
              ))}
            </ul>
          </>
        ) : null}
        {content.attention.length > 0 ? (
          <>
            <h3>{t.drafted.attention}</h3>
            <ul>
              {content.attention.map(({ label, text }) => (
                <li>
                  {label[t.lang]}
                  {t.marks.colon}
                  <Said inline text={text} />
                </li>
              ))}
            </ul>
          </>
        ) : null}
        {content.setAside.length > 0 ? (
          <details class="details">
            <summary>
              <Icon name="chevron-right" />
              {t.drafted.setAside(content.setAside.length)}
            </summary>
            <ul class="details-body">
              {content.setAside.map(({ text, why }) => (
                <li>
                  <Said inline text={text} />
                  <span class="soft"> ({CAUSES[why][t.lang]})</span>
                </li>
              ))}
            </ul>
          </details>
        ) : null}
        <p class="meta">{t.drafted.kept(t.date(draft.createdAt))}</p>
        <form method="post" action={`/apply/drafts/${draft.id}/drop`}>
          <button class="link" type="submit">
            {t.drafted.drop}
          </button>
        </form>
      </section>
    </>
  );
}

/** The drafts a person has, as links to complete them. */
export function DraftList({
  t,
  drafts,
}: {
  t: Text;
  drafts: readonly { readonly id: string; readonly createdAt: string; readonly content: DraftContent }[];
}) {
  return (
    <ul class="plain stack-tight" id="drafts">
      {drafts.map(({ id, createdAt, content }) => (
        <li class="card">
          <a class="lead" href={`/apply?draft=${id}`}>
            <Said inline text={content.patient.name ?? t.drafted.nameless} />
          </a>
          <p class="meta">
            {content.proposals[0] ? (
              <>
                <Said inline text={content.proposals[0].text} />
                {' · '}
              </>
            ) : null}
            {content.questions.length > 0 ? `${t.importing.asks(content.questions.length)} · ` : ''}
            {t.drafted.kept(t.date(createdAt))}
          </p>
        </li>
      ))}
    </ul>
  );
}
