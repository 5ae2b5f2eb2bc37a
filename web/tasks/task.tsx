// Station 1, web: a task's page (UI.md 4.4): evidence on one side, the decision on the other; on a phone one below the other with
// two links at the edge. Says who holds it and until when. Shows nothing about the patient to whoever may not do it.
import type { Child } from 'hono/jsx';
import type { Evidence, TaskHead } from '../../db/views/task.ts';
import type { Parameters } from '../../domain/parameters.ts';
import { clockView, leadingClock } from '../clock-view.ts';
import { Hidden } from '../layout.tsx';
import { ClockBar } from '../parts/clock-bar.tsx';
import { Notice } from '../parts/notice.tsx';
import { Said } from '../parts/said.tsx';
import { StageStrip } from '../parts/stage-strip.tsx';
import { StalePlace } from '../parts/stale-notice.tsx';
import { Tag } from '../parts/tag.tsx';
import { paths } from '../paths.ts';
import type { Text } from '../text/text.ts';
import { EvidencePane, papersOf } from './evidence.tsx';
import type { Typed } from './fields.ts';
import { DraftSaver, DraftState, type FormState, HeldByOther, TaskForm } from './forms.tsx';

/** Name and year of birth, as the line under the heading. */
export function PatientLine({ t, evidence }: { t: Text; evidence: Evidence }) {
  const { name, birthDate } = evidence.patient;
  const [before = '', middle = '', after = ''] = t.work.person('\u0000', '\u0000').split('\u0000');
  return birthDate ? (
    <>
      {before}
      <Said inline text={name} />
      {middle}
      {t.case.born(birthDate.slice(0, 4))}
      {after}
    </>
  ) : (
    <Said inline text={name} />
  );
}

/** Beside the heading: whose it is, and the way to give it back. */
export function HolderActs({
  t,
  head,
  person,
  handBackKey,
}: {
  t: Text;
  head: TaskHead;
  person: string;
  handBackKey: string;
}) {
  if (head.holder?.id !== person) return null;
  return (
    <>
      <Tag tone="note" word={t.task.yoursUntil(t.time(head.holder.until))} />
      <form method="post" action={paths.handBack(head.id)}>
        <Hidden values={{ key: handBackKey, claim: head.claimNumber }} />
        <button class="button small" type="submit" aria-keyshortcuts="H">
          {t.task.handBack}
        </button>
      </form>
    </>
  );
}

export interface TaskPageProps {
  readonly t: Text;
  readonly head: TaskHead;
  readonly evidence: Evidence;
  readonly parameters: Parameters;
  readonly now: Date;
  readonly person: string;
  /** The form, when this person may write now: they hold the claim, or none is needed. */
  readonly state: FormState | undefined;
  /** For claiming; undefined when somebody else holds it. */
  readonly claimKey: string | undefined;
  /** What stands above the form: who took it over, that a service is down. */
  readonly notice?: Child;
  /** What the person had typed while they do not hold the claim. */
  readonly kept?: Typed | undefined;
}

export function TaskBody(props: TaskPageProps) {
  const { t, head, evidence, parameters, now, state, claimKey, kept } = props;
  const clock = leadingClock(parameters, head.clocks) ?? head.clocks[0];
  const staff = head.kind !== 'provide-papers';
  return (
    <div class="stack-wide" id="task">
      <div class="spread task-head">
        <StageStrip t={t} stage={head.case.stage} round={head.case.round} />
        {clock ? <ClockBar t={t} clock={clockView(parameters, clock, now)} /> : null}
      </div>
      <div class={ENTRY.has(head.kind) ? 'split entry' : 'split'}>
        {staff ? <EvidencePane t={t} head={head} evidence={evidence} /> : <Asked t={t} evidence={evidence} />}
        <section class="card stack pane-decision" id="decision" aria-labelledby="decision-title">
          <div class="spread">
            <h2 id="decision-title" tabindex={-1}>
              {CHECKED_TITLE.has(head.kind) ? t.task.decision : t.task.work}
            </h2>
            {state && staff ? <DraftState t={t} savedAt={state.savedAt} /> : null}
          </div>
          <p class="meta">
            {t.task.rules}
            {t.marks.colon}
            {head.case.parametersVersion}
          </p>
          <StalePlace />
          {props.notice}
          {state ? (
            <>
              <TaskForm t={t} head={head} evidence={evidence} state={state} />
              {staff ? <DraftSaver task={head.id} /> : null}
            </>
          ) : (
            <>
              {claimKey ? (
                <form method="post" action={paths.claim(head.id)} class="stack">
                  <Hidden values={{ key: claimKey }} />
                  <p>{t.task.claimFirst}</p>
                  <div class="actions">
                    <button class="button primary" type="submit" aria-keyshortcuts="C">
                      {t.task.claim}
                    </button>
                  </div>
                </form>
              ) : (
                <HeldByOther t={t} head={head} />
              )}
              {kept ? <Kept t={t} typed={kept} /> : null}
            </>
          )}
        </section>
      </div>
      <nav class="jump" aria-label={t.task.evidence}>
        <a class="button" href="#evidence-title" aria-keyshortcuts="E">
          {t.task.evidence}
        </a>
        <a class="button" href="#decision-title" aria-keyshortcuts="D">
          {CHECKED_TITLE.has(head.kind) ? t.task.decision : t.task.work}
        </a>
      </nav>
    </div>
  );
}

/** Where the form is what takes room, not the evidence. */
const ENTRY: ReadonlySet<string> = new Set(['assess', 're-evaluate']);

const CHECKED_TITLE: ReadonlySet<string> = new Set([
  'decide-eligibility',
  'approve-plan',
  'decide-outcome',
  'decide-appeal',
]);

/** For whoever is to send papers: what was asked for, and why. */
function Asked({ t, evidence }: { t: Text; evidence: Evidence }) {
  const asked = evidence.decisions.find(
    (d) => d.action === 'decide-eligibility' && d.choice === 'ask-papers',
  );
  return (
    <section class="stack" id="evidence" aria-labelledby="evidence-title">
      <h2 id="evidence-title" tabindex={-1}>
        {t.fields.asked}
      </h2>
      {asked ? (
        <>
          <ul class="stack-tight">
            {papersOf(asked).map((paper) => (
              <li>
                <Said inline text={paper} />
              </li>
            ))}
          </ul>
          {asked.reasons ? <Said text={asked.reasons} /> : null}
        </>
      ) : null}
      <p class="soft">{t.papers.lead}</p>
    </section>
  );
}

/** What was typed, as text to read and copy. Nothing typed is lost, whoever holds the task now. */
export function Kept({ t, typed }: { t: Text; typed: Typed }) {
  const text = keptText(typed);
  if (!text) return null;
  return (
    <Notice
      tone="note"
      actions={
        <button type="button" class="button small needs-script" data-copy={text}>
          {t.stale.copyText}
        </button>
      }
    >
      <p>
        <strong>{t.work.keptTitle}</strong>
      </p>
      <Said text={text} />
    </Notice>
  );
}

/** The prose among what was typed; choices and numbers are quickly made again. */
export const keptText = (typed: Typed): string =>
  ['findings', 'reasons', 'answer', 'goals', 'papers', 'note']
    .flatMap((name) => typed[name] ?? [])
    .map((text) => text.trim())
    .filter((text) => text !== '')
    .join('\n\n');
