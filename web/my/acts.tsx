// Station 1, web: the few things applicants do to a case without claiming a task (answer what was asked, withdraw, appeal), and
// an officer's reopening. One form each, with what follows from it said before the button.
import { randomUUID } from 'node:crypto';
import type { Context } from 'hono';
import type { Child } from 'hono/jsx';
import { type CaseHead, clocksOf, decisionsOf, openTasksOf, relationsOf } from '../../db/views/case.ts';
import { type ActInput, readActValues } from '../../domain/acts.ts';
import { needsSignature } from '../../domain/events.ts';
import { isUuid } from '../../domain/ids.ts';
import { type Action, type CaseFacts, refusalOf } from '../../domain/lifecycle.ts';
import { type FieldFault, isRefusal, RECORDED_REFUSALS, type Refusal, refuse } from '../../domain/refusal.ts';
import { answerAct, keyRefusal, operationKey } from '../acting.tsx';
import { caseToSee, type Seen } from '../cases/see.tsx';
import { clockView } from '../clock-view.ts';
import type { WebDeps, WebEnv } from '../deps.ts';
import { fieldsSent } from '../form.ts';
import { signedIn } from '../guard.ts';
import { formAttributes, Hidden } from '../layout.tsx';
import { ClockBar } from '../parts/clock-bar.tsx';
import { type FaultWords, faultAt, faultWords } from '../parts/error-summary.tsx';
import { Field } from '../parts/field.tsx';
import { Notice } from '../parts/notice.tsx';
import { Said } from '../parts/said.tsx';
import { paths } from '../paths.ts';
import { recordRefusal } from '../recorded.ts';
import {
  goTo,
  pageAnswer,
  pageOrFragment,
  refusalFaults,
  refusalStatus,
  refusalWords,
  refusedPage,
  wordsFor,
} from '../respond.tsx';
import type { Routes } from '../routes.ts';
import { beginSigning } from '../session.ts';
import { dropPrepared, type Prepared, prepare, preparedOf, signedBy } from '../signatures/prepared.ts';
import { Sign } from '../signatures/sign.tsx';
import { mustConfirm, signView } from '../signatures/view.tsx';
import { Kept } from '../tasks/task.tsx';
import type { Text } from '../text/text.ts';

/** The acts with their address and the one thing each asks. */
const FORMS = {
  'provide-papers': { segment: 'papers', field: 'answer' },
  withdraw: { segment: 'withdraw', field: 'reasons' },
  appeal: { segment: 'appeal', field: 'reasons' },
  reopen: { segment: 'reopen', field: 'reasons' },
} as const satisfies Partial<Record<Action, { segment: string; field: string }>>;
type FormAct = keyof typeof FORMS;

/** Acts that complete a task: their key is bound to it, not to the case. */
const TASKED: ReadonlySet<FormAct> = new Set(['provide-papers']);

/** The case as the rules see it, for acts that complete no claimed task. */
export async function factsOf(deps: Pick<WebDeps, 'db'>, head: CaseHead): Promise<CaseFacts> {
  const relations = await relationsOf(deps.db, head.id);
  return {
    id: head.id,
    state: head.state,
    outcome: head.outcome,
    round: head.round,
    duties: [],
    relations: relations.map(({ relation, person }) => ({ relation, person })),
    tasks: [],
    sessionsLeft: {},
  };
}

/** Whether the reader may do an act to this case now. */
export const mayAct = (seen: Seen, facts: CaseFacts, action: Action): Refusal | undefined =>
  refusalOf(
    facts,
    { person: seen.session.person, role: seen.session.role, disciplines: [], lead: false },
    action,
  );

interface FormView {
  readonly key: string;
  /** The task that is answered, for the act that answers one. */
  readonly task: string | undefined;
  readonly value: string;
  readonly faults: readonly FaultWords[];
  readonly notice?: Child;
  /** The case has moved on: there is nothing to send any more. */
  readonly over?: boolean;
}

/** Declares the four forms, and the page where a reopening is signed. */
export function actForms(r: Routes, deps: WebDeps): void {
  signedReopening(r, deps);
  for (const action of Object.keys(FORMS) as FormAct[]) {
    const { segment, field } = FORMS[action];
    const path = `/cases/:id/${segment}`;

    r.get(path, action, async (c) => {
      const found = await open(c, deps, action);
      if (found instanceof Response) return found;
      const { seen, task } = found;
      return await answer(c, deps, action, seen, {
        key: operationKey(deps, seen.session.person, action, task ?? seen.head.id),
        task,
        value: '',
        faults: [],
      });
    });

    r.post(path, action, async (c) => {
      const found = await open(c, deps, action);
      if (found instanceof Response) return found;
      const { seen } = found;
      const t = wordsFor(c, deps);
      const fields = await fieldsSent(c, deps, {
        one: ['key', field, ...(TASKED.has(action) ? ['task'] : [])],
      });
      if (fields instanceof Response) return fields;
      // The task that this form was rendered for, whether it is open still or not: its key is bound to it, and a repeat finds
      // the first answer under that key.
      const task = TASKED.has(action) ? fields.get('task') : undefined;
      if (task !== undefined && !isUuid(task)) return await refusedPage(c, deps, refuse('malformed'));
      const value = fields.get(field);
      const key = fields.get('key');
      const again = (faults: readonly FieldFault[], status: 409 | 422 | 503, over: Partial<FormView> = {}) =>
        answer(c, deps, action, seen, { key, task, value, faults: faultWords(t, faults), ...over }, status);
      const read = readActValues(action, { [field]: value });
      if ('faults' in read) return await again(read.faults, 422);
      if (needsSignature(action)) {
        const unbound = await keyRefusal(deps, seen.session, action, seen.head.id, key, {
          caseId: seen.head.id,
        });
        if (unbound) return await refusedPage(c, deps, unbound);
        await prepare(deps, t, seen.session, {
          key,
          action,
          case: seen.head,
          task: undefined,
          values: read.values,
          typed: { [field]: [value] },
          lastDay: undefined,
        });
        return goTo(c, paths.signReopening(seen.head.id));
      }
      return await answerAct(c, deps, {
        action,
        asking: seen.session,
        key,
        caseId: seen.head.id,
        // Applicants answer without a claim.
        ...(task ? { task: { id: task, claim: 0 } } : {}),
        values: read.values as ActInput<FormAct>,
        again: async ({ status, refusal, notice, key: next }) =>
          await again([], status, {
            key: next,
            notice,
            faults: refusal ? refusalFaults(t, refusal) : [],
            over: status === 409 && mayAct(seen, await factsOf(deps, seen.head), action) !== undefined,
          }),
        done: () =>
          goTo(
            c,
            seen.own
              ? `${paths.my}?done=${action}&case=${seen.head.id}&receipt=${key}`
              : `${paths.case(seen.head.id)}?done=${action}&receipt=${key}`,
          ),
      });
    });
  }
}

interface Found {
  readonly seen: Seen;
  /** The open task that a form is rendered for; none when one is sent. */
  readonly task: string | undefined;
}

/** The case and what the act is about, or why it cannot be done. A form that was sent is judged by the case itself. */
async function open(c: Context<WebEnv>, deps: WebDeps, action: FormAct): Promise<Found | Response> {
  const session = signedIn(c);
  const seen = await caseToSee(c, deps, session, null, action);
  if (seen instanceof Response) return seen;
  const refused = mayAct(seen, await factsOf(deps, seen.head), action);
  const back = (
    <p>
      <a href={paths.case(seen.head.id)}>{wordsFor(c, deps).errors.toCase}</a>
    </p>
  );
  // A repeated post of an act that was done finds the case moved on; its key brings the first answer back.
  if (c.req.method !== 'GET') return { seen, task: undefined };
  if (refused) return await refusedPage(c, deps, refused, back);
  if (!TASKED.has(action)) return { seen, task: undefined };
  const tasks = await openTasksOf(deps.db, seen.head.id, deps.now());
  const task = tasks.find(({ kind }) => kind === action);
  if (!task)
    return await refusedPage(
      c,
      deps,
      refuse('wrong-state', { detail: { action, state: seen.head.state } }),
      back,
    );
  return { seen, task: task.id };
}

async function answer(
  c: Context<WebEnv>,
  deps: WebDeps,
  action: FormAct,
  seen: Seen,
  view: FormView,
  status: 200 | 409 | 422 | 503 = 200,
): Promise<Response> {
  const t = wordsFor(c, deps);
  const { head } = seen;
  const about = await aboutOf(deps, t, action, head);
  const options = {
    title: t.actions[action],
    caseNumber: head.number,
    back: { href: seen.own ? paths.my : paths.case(head.id), words: t.case.title(head.number) },
    faults: view.faults,
    error: status !== 200,
    ...(seen.own && seen.own !== 'referrer' ? { audience: 'patient' as const } : {}),
  };
  const part = () =>
    view.over ? (
      <ActOver t={t} caseId={head.id} view={view} />
    ) : (
      <ActForm t={t} action={action} caseId={head.id} view={view} />
    );
  const body = (
    <div class="form-page stack" id="act-page">
      {view.over ? null : about}
      {part()}
    </div>
  );
  // What stands above the form says what it would do: it goes with the form.
  if (view.over) c.header('HX-Retarget', '#act-page');
  return status === 503
    ? await pageAnswer(c, deps, options, body, 503)
    : await pageOrFragment(c, deps, options, body, view.over ? () => body : part, status);
}

/** What the person should know before they act. */
async function aboutOf(deps: WebDeps, t: Text, action: FormAct, head: CaseHead): Promise<Child> {
  switch (action) {
    case 'provide-papers': {
      const asked = (await decisionsOf(deps.db, head.id)).find(({ choice }) => choice === 'ask-papers');
      const papers = (asked?.details?.papers ?? []) as readonly string[];
      return (
        <>
          <p class="lead">{t.papers.lead}</p>
          <section class="card stack-tight">
            <h2>{t.fields.asked}</h2>
            <ul>
              {papers.map((paper) => (
                <li>
                  <Said inline text={paper} />
                </li>
              ))}
            </ul>
          </section>
        </>
      );
    }
    case 'withdraw':
      return <Notice tone="soon">{t.withdraw.effect}</Notice>;
    case 'appeal': {
      const period = (await clocksOf(deps.db, head.id)).find(
        ({ clock, stoppedAt }) => clock === 'appeal-period' && !stoppedAt,
      );
      return (
        <>
          <p class="lead">{t.appeal.effect}</p>
          {period ? (
            <p>
              {t.appeal.until(t.date(period.dueAt))}{' '}
              <ClockBar t={t} clock={clockView(deps.parameters, period, deps.now())} />
            </p>
          ) : null}
        </>
      );
    }
    case 'reopen':
      return <p class="lead">{t.reopen.effect}</p>;
    default:
      return action satisfies never;
  }
}

function ActForm({ t, action, caseId, view }: { t: Text; action: FormAct; caseId: string; view: FormView }) {
  const { segment, field } = FORMS[action];
  const words = {
    'provide-papers': { label: t.fields.answer, hint: t.fields.answerHint },
    withdraw: { label: t.fields.withdrawReasons, hint: t.fields.withdrawReasonsHint },
    appeal: { label: t.fields.appealReasons, hint: undefined },
    reopen: { label: t.fields.reasons, hint: undefined },
  }[action];
  return (
    <form {...formAttributes(`/cases/${caseId}/${segment}`)} id={`act-${segment}`} class="stack">
      {view.notice}
      <Hidden values={{ key: view.key, task: view.task }} />
      <Field
        t={t}
        control="textarea"
        name={field}
        label={words.label}
        hint={words.hint}
        optional={action === 'withdraw'}
        value={view.value}
        fault={faultAt(view.faults, field)}
        rows={6}
        maxlength={action === 'withdraw' ? 2000 : 4000}
      />
      <div class="actions cluster">
        <button class={action === 'withdraw' ? 'button grave' : 'button primary'} type="submit">
          {t.buttons[action]}
        </button>
        {action === 'withdraw' ? <a href={paths.case(caseId)}>{t.withdraw.keep}</a> : null}
      </div>
    </form>
  );
}

/** In place of a form that was sent too late: why, what was typed, and the way to where the case is now. */
function ActOver({ t, caseId, view }: { t: Text; caseId: string; view: FormView }) {
  return (
    <div class="stack">
      {view.notice}
      <Kept t={t} typed={{ note: [view.value] }} />
      <p>
        <a class="button" href={paths.case(caseId)}>
          {t.errors.toCase}
        </a>
      </p>
    </div>
  );
}

/** A reopening is signed by the officer who reopens: the page with its statement, and what takes the signature. */
function signedReopening(r: Routes, deps: WebDeps): void {
  const path = '/cases/:id/reopen/sign';

  async function shown(
    c: Context<WebEnv>,
    seen: Seen,
    prepared: Prepared,
    again: { status?: 200 | 403 | 409 | 422 | 503; notice?: Child } = {},
  ): Promise<Response> {
    const t = wordsFor(c, deps);
    const { head, session } = seen;
    const back = { href: paths.act(head.id, 'reopen'), words: t.work.back };
    return await pageAnswer(
      c,
      deps,
      { title: t.signing.title, caseNumber: head.number, back },
      <Sign
        t={t}
        view={
          await signView(deps, t, session, prepared, {
            action: paths.signReopening(head.id),
            hidden: { key: prepared.act.key },
            button: t.signing.sign(t.buttons.reopen),
            back,
            here: paths.signReopening(head.id),
            again: <a href={back.href}>{t.signing.again}</a>,
            notice: again.notice,
          })
        }
      />,
      again.status ?? 200,
    );
  }

  r.get(path, 'reopen', async (c) => {
    const found = await open(c, deps, 'reopen');
    if (found instanceof Response) return found;
    const { seen } = found;
    const prepared = await preparedOf(deps, seen.session, { case: seen.head.id });
    return prepared ? await shown(c, seen, prepared) : c.redirect(paths.act(seen.head.id, 'reopen'), 303);
  });

  r.post(path, 'reopen', async (c) => {
    const found = await open(c, deps, 'reopen');
    if (found instanceof Response) return found;
    const { seen } = found;
    const t = wordsFor(c, deps);
    const fields = await fieldsSent(c, deps, { one: ['key', 'certificate', 'signature'] });
    if (fields instanceof Response) return fields;
    const key = fields.get('key');
    const prepared = await preparedOf(deps, seen.session, { operation: key });
    if (prepared?.act.caseId !== seen.head.id || prepared.act.action !== 'reopen')
      return await refusedPage(c, deps, refuse('statement-old'));
    if (mustConfirm(deps, seen.session)) return goTo(c, paths.signReopening(seen.head.id));
    const signed = await signedBy(deps, prepared, {
      certificate: fields.get('certificate'),
      signature: fields.get('signature'),
    });
    if (isRefusal(signed)) {
      if (RECORDED_REFUSALS.has(signed.code))
        await recordRefusal(deps.recorder, `refusal-${randomUUID()}`, seen.session, 'reopen', signed, {
          caseId: seen.head.id,
        });
      const status = refusalStatus(signed.code) === 403 ? 403 : 409;
      return await shown(c, seen, prepared, { status, notice: <p>{refusalWords(t, signed)}</p> });
    }
    await beginSigning(deps, seen.session);
    return await answerAct(c, deps, {
      action: 'reopen',
      asking: seen.session,
      key,
      caseId: seen.head.id,
      values: prepared.values as ActInput<'reopen'>,
      signed,
      again: ({ status, notice }) => shown(c, seen, prepared, { status, notice }),
      done: async () => {
        await dropPrepared(deps, seen.session, key);
        return goTo(c, `${paths.case(seen.head.id)}?done=reopen`);
      },
    });
  });
}
