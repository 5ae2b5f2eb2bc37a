// Station 1, web: the form of each kind of task. Ordinary forms first: method, action and named inputs; script only saves drafts
// and swaps answers in place. Shows what was typed, whatever became of it. Decides nothing.
import type { Child } from 'hono/jsx';
import type { Evidence, Measured, TaskHead } from '../../db/views/task.ts';
import { CRITERIA } from '../../domain/acts.ts';
import { needsSignature } from '../../domain/events.ts';
import type { Instrument } from '../../domain/instruments/instrument.ts';
import { instrumentById } from '../../domain/instruments/registry.ts';
import { CHOICES, type TaskKind } from '../../domain/lifecycle.ts';
import { DISCIPLINES, type Discipline } from '../../domain/roles.ts';
import { formAttributes, Hidden } from '../layout.tsx';
import { CriteriaTable } from '../parts/criteria-table.tsx';
import { type FaultWords, faultAt } from '../parts/error-summary.tsx';
import { Field, type Option } from '../parts/field.tsx';
import { Notice } from '../parts/notice.tsx';
import { paths } from '../paths.ts';
import type { Text } from '../text/text.ts';
import { instrumentsOf, many, one, type Typed } from './fields.ts';
import { InstrumentForm } from './instruments.tsx';

/** Decisions of officers: checked on a page of their own before they are sent. */
export const CHECKED: ReadonlySet<TaskKind> = new Set<TaskKind>([
  'decide-eligibility',
  'approve-plan',
  'decide-outcome',
  'decide-appeal',
]);

/** Keys that choose (never send): approve, refuse, ask for papers. */
const SHORTCUTS: Readonly<Record<string, string>> = {
  accept: 'A',
  approve: 'A',
  grant: 'A',
  refuse: 'R',
  'send-back': 'R',
  uphold: 'R',
  'ask-papers': 'P',
};

export interface FormState {
  readonly typed: Typed;
  readonly faults: readonly FaultWords[];
  readonly key: string;
  /** The claim's fencing number; 0 where none is needed. */
  readonly claim: number;
  /** When the draft that is shown was saved. */
  readonly savedAt?: string | undefined;
}

interface Props {
  readonly t: Text;
  readonly head: TaskHead;
  readonly evidence: Evidence;
  readonly state: FormState;
}

/** The first measurement of an instrument in this case: what a change is measured against. */
export const baselineOf = (evidence: Evidence, instrument: string): Measured | undefined =>
  evidence.measured.find((measured) => measured.instrument === instrument);

/** Instruments to fill in: for a re-evaluation those that were measured before. */
export function instrumentsToFill(head: TaskHead, evidence: Evidence): readonly Instrument[] {
  const all = instrumentsOf(head.kind, head.discipline);
  if (head.kind !== 're-evaluate') return all;
  const before = all.filter(({ id }) => baselineOf(evidence, id));
  const barthel = instrumentById('barthel-index');
  return before.length > 0 ? before : barthel ? [barthel] : [];
}

/** How the questions of a task's form read, where a field's name alone does not say. */
export const questionsOf = (t: Text, kind: TaskKind): Readonly<Record<string, string>> => ({
  goals: t.fields.planGoals,
  choice:
    kind === 'record-session'
      ? t.work.heldQuestion
      : kind === 're-evaluate'
        ? t.fields.reEvaluation
        : t.task.outcome,
  minutes: kind === 'record-session' ? t.fields.sessionMinutes : t.fields.minutes,
  ...(kind === 'propose-plan' ? { reasons: t.fields.reasonsOptional } : {}),
});

export const draftStateId = 'draft-state';

/** When the draft was saved, or that it will be. */
export function DraftState({ t, savedAt }: { t: Text; savedAt?: string | undefined }) {
  return (
    <span id={draftStateId} class="meta" role="status">
      {savedAt ? t.task.draftSaved(t.time(savedAt)) : null}
    </span>
  );
}

/** The whole form of a task with its buttons; `id` stays the same so that a swap finds it. */
export function TaskForm({ t, head, evidence, state }: Props) {
  const checked = CHECKED.has(head.kind);
  // What follows the form is the page where it is read once more and signed.
  const signs = needsSignature(head.kind);
  const action = checked ? paths.check(head.id) : signs ? paths.sign(head.id) : paths.decide(head.id);
  const staff = head.kind !== 'provide-papers';
  return (
    <form
      id="task-form"
      class="stack"
      {...(checked ? { method: 'post' as const, action, novalidate: true } : formAttributes(action))}
    >
      <Hidden values={{ key: state.key, claim: state.claim }} />
      <Fields t={t} head={head} evidence={evidence} state={state} />
      <div class="actions">
        <button class="button primary" type="submit" aria-keyshortcuts="Control+Enter">
          {checked ? t.task.check : signs ? t.signing.goOn : t.buttons[head.kind]}
        </button>
        {staff ? (
          <button
            class="button"
            type="submit"
            name="leave"
            value="1"
            formaction={paths.draft(head.id)}
            hx-post={paths.draft(head.id)}
            hx-target={`#${draftStateId}`}
          >
            {t.task.saveLeave}
          </button>
        ) : null}
      </div>
    </form>
  );
}

/** Saves the draft 1.5 s after the last change. Outside the form: a draft that is lost must not send the form again. */
export function DraftSaver({ task }: { task: string }) {
  return (
    <span
      id="draft-saver"
      hidden
      hx-post={paths.draft(task)}
      hx-include="#task-form"
      hx-trigger="input from:#task-form delay:1500ms, change from:#task-form delay:1500ms"
      hx-target={`#${draftStateId}`}
      hx-sync="this:replace"
    />
  );
}

function Fields(props: Props): Child {
  const { t, head, evidence, state } = props;
  const { typed, faults } = state;
  const { kind } = head;
  const fault = (name: string) => faultAt(faults, name);
  const questions = questionsOf(t, kind);
  const choice = () => (
    <Choice t={t} kind={kind} label={questions.choice ?? ''} typed={typed} fault={fault('choice')} />
  );
  const prose = (name: string, label: string, hint?: string, rows = 5, optional = false) => (
    <Field
      t={t}
      name={name}
      control="textarea"
      label={label}
      hint={hint}
      rows={rows}
      optional={optional}
      value={one(typed, name)}
      fault={fault(name)}
    />
  );
  switch (kind) {
    case 'decide-eligibility':
      return (
        <>
          <CriteriaTable
            t={t}
            edit
            judgements={Object.fromEntries(CRITERIA.map((c) => [c, one(typed, `criteria.${c}`)]))}
            evidence={criteriaEvidence(evidence)}
            fault={fault('criteria')}
          />
          {choice()}
          {prose('reasons', t.fields.reasons, t.fields.reasonsHint)}
          <DisciplineBoxes t={t} typed={typed} fault={fault('disciplines')} when={t.work.whenAccept} />
          <Field
            t={t}
            name="papers"
            control="textarea"
            label={t.fields.papers}
            hint={`${t.work.whenAsk} ${t.fields.papersHint}`}
            rows={3}
            value={many(typed, 'papers').join('\n')}
            fault={fault('papers')}
          />
        </>
      );
    case 'decide-appeal':
      return (
        <>
          {choice()}
          {prose('reasons', t.fields.reasons, t.fields.reasonsHint)}
          <DisciplineBoxes t={t} typed={typed} fault={fault('disciplines')} when={t.work.whenGrant} />
        </>
      );
    case 'approve-plan':
    case 'decide-outcome':
      return (
        <>
          {choice()}
          {prose('reasons', t.fields.reasons, t.work.whenBack)}
        </>
      );
    case 'provide-papers':
      return prose('answer', t.fields.answer, t.fields.answerHint, 8);
    case 'assess':
      return (
        <>
          <Instruments {...props} />
          {prose('findings', t.fields.findings, t.fields.findingsHint, 6)}
        </>
      );
    case 're-evaluate':
      return (
        <>
          <Instruments {...props} />
          {prose('findings', t.fields.findings, t.fields.findingsHint, 6)}
          {choice()}
          <SessionCounts t={t} typed={typed} faults={faults} hint={t.work.whenContinue} evidence={evidence} />
        </>
      );
    case 'propose-plan':
      return (
        <>
          <Field
            t={t}
            name="goals"
            control="textarea"
            label={t.fields.planGoals}
            hint={t.fields.planGoalsHint}
            rows={5}
            value={many(typed, 'goals').join('\n')}
            fault={fault('goals')}
          />
          <SessionCounts t={t} typed={typed} faults={faults} evidence={evidence} />
          <Field
            t={t}
            name="minutes"
            control="number"
            label={t.fields.minutes}
            unit={t.fields.minutesUnit}
            value={one(typed, 'minutes')}
            fault={fault('minutes')}
          />
          {prose('reasons', t.fields.reasonsOptional, undefined, 3, true)}
        </>
      );
    case 'record-session':
      return (
        <>
          {choice()}
          <Field
            t={t}
            name="minutes"
            control="number"
            label={t.fields.sessionMinutes}
            unit={t.fields.minutesUnit}
            value={state.typed.minutes ? one(typed, 'minutes') : evidence.plan?.minutes}
            fault={fault('minutes')}
          />
          {prose('note', t.fields.note, t.work.noteHint, 3)}
        </>
      );
    case 'record-follow-up':
      return prose('findings', t.fields.findings, t.fields.findingsHint, 8);
    default:
      return kind satisfies never;
  }
}

function Choice({
  t,
  kind,
  label,
  typed,
  fault,
}: {
  t: Text;
  kind: TaskKind;
  label: string;
  typed: Typed;
  fault: string | undefined;
}) {
  return (
    <Field
      t={t}
      name="choice"
      control="radios"
      layout="boxed"
      label={label}
      value={one(typed, 'choice')}
      fault={fault}
      options={(CHOICES[kind] as readonly string[]).map((value): Option => {
        const shortcut = SHORTCUTS[value];
        return {
          value,
          label: t.choices[kind][value] ?? value,
          hint: t.choiceHints[kind]?.[value],
          ...(shortcut ? { shortcut } : {}),
        };
      })}
    />
  );
}

function DisciplineBoxes({
  t,
  typed,
  fault,
  when,
}: {
  t: Text;
  typed: Typed;
  fault: string | undefined;
  when: string;
}) {
  return (
    <Field
      t={t}
      name="disciplines"
      control="checkboxes"
      label={t.fields.disciplines}
      hint={when}
      value={many(typed, 'disciplines')}
      fault={fault}
      options={DISCIPLINES.map((value) => ({ value, label: t.disciplines[value] }))}
    />
  );
}

/** One number per discipline. Those that assessed come first; none is preset. */
function SessionCounts({
  t,
  typed,
  faults,
  hint,
  evidence,
}: {
  t: Text;
  typed: Typed;
  faults: readonly FaultWords[];
  hint?: string;
  evidence: Evidence;
}) {
  const assessed = (discipline: Discipline) =>
    evidence.assessments.some((assessment) => assessment.discipline === discipline) ? 0 : 1;
  const ordered = [...DISCIPLINES].sort((a, b) => assessed(a) - assessed(b));
  const whole = faultAt(faults, 'sessions');
  return (
    <fieldset class={whole ? 'group field-bad' : 'group'} id="f-sessions" tabindex={-1}>
      <legend>{t.fields.sessions}</legend>
      {hint ? <p class="hint">{hint}</p> : null}
      {whole ? (
        <p class="fault" id="f-sessions-fault">
          <span class="visually-hidden">{t.errors.fieldPrefix} </span>
          {whole}
        </p>
      ) : null}
      <div class="session-counts">
        {ordered.map((discipline) => (
          <Field
            t={t}
            name={`sessions.${discipline}`}
            control="number"
            label={t.disciplines[discipline]}
            value={one(typed, `sessions.${discipline}`)}
            fault={faultAt(faults, `sessions.${discipline}`)}
            maxlength={2}
          />
        ))}
      </div>
    </fieldset>
  );
}

function Instruments({ t, head, evidence, state }: Props) {
  return (
    <>
      <p>
        <a href={paths.importResults(head.case.id)}>{t.resultsIn.link}</a>
      </p>
      {instrumentsToFill(head, evidence).map((instrument) => (
        <InstrumentForm
          t={t}
          instrument={instrument}
          typed={state.typed}
          faults={state.faults}
          before={head.kind === 're-evaluate' ? baselineOf(evidence, instrument.id) : undefined}
        />
      ))}
    </>
  );
}

/** Which numbered evidence speaks to which criterion; the numbers are those of `evidenceItems`. */
function criteriaEvidence(evidence: Evidence): Partial<Record<(typeof CRITERIA)[number], number[]>> {
  const { application } = evidence;
  if (!application) return {};
  // The reason stands first, then goals, then other conditions, as web/tasks/evidence.tsx lists them.
  let next = 1;
  const reason = next++;
  const goals = application.goals ? next++ : undefined;
  const background = application.background.length > 0 ? next++ : undefined;
  const some = (...numbers: (number | undefined)[]) => numbers.filter((n) => n !== undefined);
  return {
    need: some(reason, background),
    capacity: some(background ?? reason),
    prognosis: some(goals ?? reason),
  };
}

/** Who holds the task, when it is not the reader. */
export function HeldByOther({ t, head }: { t: Text; head: TaskHead }) {
  return head.holder ? (
    <Notice tone="note">
      <p>{t.task.with(head.holder.name, t.time(head.holder.until))}</p>
    </Notice>
  ) : null;
}
