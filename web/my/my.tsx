// Station 1, web: a person's own case, in large type and plain words: where it is, whose turn, by when, and what if that day is
// missed. The clock's sentence is the officer's. Nothing here needs a second page to be understood.

import type { Child } from 'hono/jsx';
import type {
  ApplicationRow,
  CaseHead,
  ClockRow,
  DecisionRow,
  LookRow,
  PatientView,
} from '../../db/views/case.ts';
import type { Action } from '../../domain/lifecycle.ts';
import { sectionsFor } from '../cases/case.tsx';
import type { Seen } from '../cases/see.tsx';
import { type Turn, taskWords } from '../cases/whose-turn.ts';
import { clockView, leadingClock } from '../clock-view.ts';
import type { WebDeps } from '../deps.ts';
import { offersEvidence } from '../evidence/routes.tsx';
import { ClockBar } from '../parts/clock-bar.tsx';
import { DataTable } from '../parts/data-table.tsx';
import { Icon } from '../parts/icon.tsx';
import { Moment } from '../parts/moment.tsx';
import { Notice } from '../parts/notice.tsx';
import { Said } from '../parts/said.tsx';
import { STRIP_STAGES, StageStrip } from '../parts/stage-strip.tsx';
import { Tag } from '../parts/tag.tsx';
import { Who } from '../parts/who.tsx';
import { paths } from '../paths.ts';
import { decidedWords } from '../tasks/words.ts';
import type { Text } from '../text/text.ts';
import { hasLetter } from './letter.tsx';

export interface MyCaseProps {
  readonly t: Text;
  readonly seen: Seen;
  readonly deps: Pick<WebDeps, 'parameters' | 'now' | 'evidence'>;
  readonly patient: PatientView | undefined;
  readonly application: ApplicationRow | undefined;
  readonly turns: readonly Turn[];
  readonly clocks: readonly ClockRow[];
  readonly decisions: readonly DecisionRow[];
  readonly looks: readonly LookRow[];
  readonly lookCount: number;
  /** Acts open to this reader now, besides answering what was asked. */
  readonly acts: readonly Extract<Action, 'withdraw' | 'appeal'>[];
  readonly endedIn: Parameters<typeof StageStrip>[0]['endedIn'];
}

export function MyCase(props: MyCaseProps) {
  const { t, seen, deps, turns, clocks, decisions, acts } = props;
  const { head, own } = seen;
  const leading = leadingClock(deps.parameters, clocks);
  // What has a last day stands with it; what ends the case stands at the end.
  const mayAppeal = acts.includes('appeal');
  const others = acts.filter((act) => act !== 'appeal');
  const step = STRIP_STAGES.indexOf(head.stage as (typeof STRIP_STAGES)[number]) + 1;
  const asked = turns.find(({ task, yours }) => yours && task.kind === 'provide-papers');
  const askedFor = decisions.find(({ choice }) => choice === 'ask-papers');
  const papers = (askedFor?.details?.papers ?? []) as readonly string[];
  const told = decisions.filter(({ action }) =>
    ['decide-eligibility', 'approve-plan', 'decide-outcome', 'decide-appeal', 'withdraw', 'appeal'].includes(
      action,
    ),
  );
  return (
    <div class="stack-wide my">
      {own !== 'patient' && props.patient ? (
        <Notice tone="note" icon="user">
          <p>{t.my.forWhom(props.patient.name)}</p>
        </Notice>
      ) : null}
      {asked ? (
        <Notice
          tone="soon"
          icon="hand"
          actions={
            <a class="button primary" href={`/cases/${head.id}/papers`}>
              {t.my.answer}
            </a>
          }
        >
          <h2>{t.my.papersAsked}</h2>
          {papers.length > 0 ? (
            <ul>
              {papers.map((paper) => (
                <li>
                  <Said inline text={paper} />
                </li>
              ))}
            </ul>
          ) : null}
        </Notice>
      ) : null}
      <section class="stack" aria-labelledby="where-title">
        <h2 id="where-title">{t.my.where}</h2>
        <StageStrip t={t} stage={head.stage} endedIn={props.endedIn} round={head.round} />
        <p class="lead">
          {head.stage === 'closed' ? t.my.ended : t.my.step(step, STRIP_STAGES.length, t.stages[head.stage])}{' '}
          {head.outcome ? <b>{t.my.outcome(t.outcomes[head.outcome])}</b> : null}
        </p>
      </section>
      {head.stage === 'closed' ? null : (
        <section class="card stack">
          <dl class="answers">
            <div>
              <dt>{t.my.turn}</dt>
              <dd>
                {turns.length > 0
                  ? turns.map((turn) =>
                      turn.yours ? (
                        <p>
                          <b>{t.my.yourTurn}</b> {taskWords(t, turn.task)}
                        </p>
                      ) : (
                        <p>
                          <Said inline text={turn.words} />
                        </p>
                      ),
                    )
                  : leading
                    ? t.my.waits(t.clocks[leading.clock])
                    : t.my.nobody}
              </dd>
            </div>
            {leading ? (
              <>
                <div>
                  <dt>{t.my.byWhen}</dt>
                  <dd>
                    <p>{t.clocks[leading.clock]}</p>
                    <ClockBar t={t} clock={clockView(deps.parameters, leading, deps.now())} />
                  </dd>
                </div>
                <div>
                  <dt>{t.my.ifMissed}</dt>
                  <dd>{t.clockEffects[leading.clock]}</dd>
                </div>
              </>
            ) : null}
          </dl>
          {mayAppeal ? (
            <p>
              <a class="button primary" href={paths.act(head.id, 'appeal')}>
                {t.my.appeal}
              </a>
            </p>
          ) : null}
          <p>
            <a href={paths.case(head.id, 'clocks')}>{t.my.clocksLink}</a>
          </p>
        </section>
      )}
      {told.length > 0 ? (
        <section class="stack-tight">
          <h2>{t.my.told}</h2>
          <ol class="plain stack">
            {told.map((decision) => (
              <li class="card stack-tight" id={`decision-${decision.id}`}>
                <p class="spread">
                  <b>{decisionWords(t, decision)}</b>
                  <span class="meta">
                    <Moment t={t} at={decision.at} />
                  </span>
                </p>
                <p class="meta">
                  <Who
                    t={t}
                    full
                    who={{
                      name: decision.by.name ?? undefined,
                      role: decision.role === 'service' ? undefined : decision.role,
                      organisation: decision.by.organisation ?? undefined,
                      you: decision.by.id === seen.session.person,
                    }}
                  />
                </p>
                {decision.reasons && (own === 'patient' || own === 'guardian') ? (
                  <Said text={decision.reasons} />
                ) : null}
                {hasLetter(decision, own) ? (
                  <p>
                    <a href={paths.letter(head.id, decision.id)}>{t.my.letter}</a>
                  </p>
                ) : null}
              </li>
            ))}
          </ol>
        </section>
      ) : null}
      {own === 'patient' || own === 'guardian' ? <Looked {...props} /> : null}
      <OwnEvidence {...props} />
      <section class="stack-tight">
        <h2>{t.my.sections}</h2>
        <ul class="plain link-list">
          {sectionsFor(seen)
            .filter((section) => section !== 'overview')
            .map((section) => (
              <li>
                <a href={paths.case(head.id, section)}>
                  {section === 'measures'
                    ? t.my.measures
                    : section === 'clocks'
                      ? t.my.clocksLink
                      : section === 'entries'
                        ? t.my.entriesLink
                        : t.case.sections[section]}
                </a>
              </li>
            ))}
        </ul>
      </section>
      {others.length > 0 ? (
        <section class="stack-tight">
          <h2>{t.my.otherActs}</h2>
          <div class="cluster">
            {others.map((act) => (
              <a class="button" href={paths.act(head.id, act)}>
                {t.my[act]}
              </a>
            ))}
          </div>
        </section>
      ) : null}
    </div>
  );
}

function decisionWords(t: Text, { action, choice }: DecisionRow): string {
  if (action === 'withdraw') return t.events['application.withdrawn'];
  if (action === 'appeal') return t.events['appeal.made'];
  return decidedWords(t, action, choice) ?? t.actions[action as Action];
}

/** The person's own case as a file that proves itself. */
function OwnEvidence({ t, seen, deps }: MyCaseProps) {
  return offersEvidence(deps, seen.session.role) ? (
    <div class="stack-tight">
      <p>
        <a class="button" href={paths.evidence(seen.head.id)} download="">
          {t.report.link}
        </a>
      </p>
      <p class="soft">{t.report.hint}</p>
    </div>
  ) : null;
}

function Looked({ t, seen, looks, lookCount }: MyCaseProps) {
  return (
    <section class="stack-tight">
      <h2>{t.my.looked}</h2>
      <p class="soft">{t.my.lookedLead}</p>
      {looks.length === 0 ? (
        <p>{t.my.lookedNone}</p>
      ) : (
        <>
          <Looks t={t} looks={looks} />
          {lookCount > looks.length ? (
            <p>
              <a href={paths.access(seen.head.id)}>{t.my.lookedAll(lookCount)}</a>
            </p>
          ) : null}
        </>
      )}
    </section>
  );
}

export function Looks({ t, looks }: { t: Text; looks: readonly LookRow[] }) {
  return (
    <DataTable
      t={t}
      id="looks"
      caption={t.my.looked}
      rows={looks}
      rowId={(look) => `look-${look.id}`}
      columns={[
        { key: 'at', head: t.my.when, cell: (look) => <Moment t={t} at={look.at} /> },
        {
          key: 'who',
          head: t.my.who,
          rowHead: true,
          cell: (look) => (
            <Who
              t={t}
              full
              who={{
                name: look.name ?? t.words.unknown,
                role: look.role,
                organisation: look.organisation ?? undefined,
              }}
            />
          ),
        },
        { key: 'view', head: t.my.view, cell: (look) => t.views[look.view] ?? look.view },
      ]}
    />
  );
}

/** Cases and applications of somebody who has several, or none yet. */
export function MyList({
  t,
  cases,
  referrer,
  drafts,
}: {
  t: Text;
  cases: readonly (CaseHead & { readonly patientName: string })[];
  referrer: boolean;
  drafts?: Child;
}) {
  return (
    <div class="stack-wide my-list">
      {cases.length === 0 ? <p class="lead">{t.my.none}</p> : null}
      {drafts ? (
        <section class="stack-tight">
          <h2>{t.my.drafts}</h2>
          {drafts}
        </section>
      ) : null}
      {cases.length > 0 ? (
        <ul class="plain stack">
          {cases.map((one) => (
            <li class="card stack-tight" id={`case-${one.id}`}>
              <p class="spread">
                <a class="lead" href={paths.case(one.id)} aria-label={t.my.open(one.number)}>
                  {one.number}
                </a>
                {one.outcome ? (
                  <Tag
                    tone={one.outcome === 'approved' ? 'good' : one.outcome === 'refused' ? 'late' : 'quiet'}
                    word={t.outcomes[one.outcome]}
                  />
                ) : (
                  <Tag tone="note" word={t.stages[one.stage]} />
                )}
              </p>
              <p>
                {referrer ? (
                  <>
                    <Said inline text={one.patientName} />
                    {' · '}
                  </>
                ) : null}
                {t.states[one.state]}
              </p>
              <p class="meta">
                {t.cases.changed} <Moment t={t} at={one.changedAt} />
              </p>
            </li>
          ))}
        </ul>
      ) : null}
    </div>
  );
}

/** Links of the page's head: applying, and reading in a record. */
export function MyActs({ t, apply, importing }: { t: Text; apply: boolean; importing: boolean }) {
  return (
    <>
      {importing ? (
        <a class="button" href={paths.importRecord}>
          <Icon name="upload" />
          {t.my.import}
        </a>
      ) : null}
      {apply ? (
        <a class="button primary" href={paths.apply}>
          <Icon name="plus" />
          {t.my.apply}
        </a>
      ) : null}
    </>
  );
}
