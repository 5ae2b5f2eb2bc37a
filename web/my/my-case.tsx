// Station 1, web: gathers what a person's own case page shows. Reads only; the look is recorded by the caller.
import {
  applicationOf,
  clocksOf,
  decisionsOf,
  looksAt,
  openTasksOf,
  patientOf,
} from '../../db/views/case.ts';
import { CASE_STATES, STATES, type Stage } from '../../domain/lifecycle.ts';
import type { Seen } from '../cases/see.tsx';
import { turnsOf } from '../cases/whose-turn.ts';
import type { WebDeps } from '../deps.ts';
import type { Text } from '../text/text.ts';
import { factsOf, mayAct } from './acts.tsx';
import { MyCase } from './my.tsx';

/** Looks shown on the page itself. */
const LOOKS = 6;

/** The stage a closed case ended in; undefined when it went its whole way, or is not closed. */
export function endedInOf(
  stage: Stage,
  outcome: string | null,
  decisions: readonly { readonly stateBefore: string; readonly stateAfter: string }[],
): Exclude<Stage, 'closed'> | undefined {
  if (stage !== 'closed' || outcome === 'approved') return undefined;
  const last = decisions.find(({ stateAfter }) => stateAfter === 'closed');
  const state = CASE_STATES.find((known) => known === last?.stateBefore);
  const before = state ? STATES[state] : 'application';
  return before === 'closed' ? 'application' : before;
}

export async function myCase(deps: WebDeps, t: Text, seen: Seen) {
  const { head } = seen;
  const now = deps.now();
  const [patient, application, clocks, tasks, decisions, looks, facts] = await Promise.all([
    patientOf(deps.db, head.patientId),
    applicationOf(deps.db, head.id),
    clocksOf(deps.db, head.id),
    openTasksOf(deps.db, head.id, now),
    decisionsOf(deps.db, head.id),
    looksAt(deps.db, head.id, LOOKS),
    factsOf(deps, head),
  ]);
  return (
    <MyCase
      t={t}
      seen={seen}
      deps={deps}
      patient={patient}
      application={application}
      turns={turnsOf(t, tasks, seen.own, seen.session.person)}
      clocks={clocks}
      decisions={decisions}
      looks={looks.looks}
      lookCount={looks.total}
      acts={(['appeal', 'withdraw'] as const).filter((action) => !mayAct(seen, facts, action))}
      endedIn={endedInOf(head.stage, head.outcome, decisions)}
    />
  );
}
