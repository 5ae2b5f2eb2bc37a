// Station 1, web: refusals with names instead of ids, and the one word for a task. Names are of colleagues, never of patients.
import { nameOf } from '../../db/views/task.ts';
import { isUuid } from '../../domain/ids.ts';
import type { Action, CaseClock, TaskKind } from '../../domain/lifecycle.ts';
import type { Refusal } from '../../domain/refusal.ts';
import type { Discipline } from '../../domain/roles.ts';
import type { WebDeps } from '../deps.ts';
import type { Text } from '../text/text.ts';

/** The refusal with the holder's name and the time as people read it; refusals themselves carry ids and codes only. */
export async function withNames(deps: Pick<WebDeps, 'db'>, t: Text, refusal: Refusal): Promise<Refusal> {
  const { detail } = refusal;
  if (!detail) return refusal;
  const name = detail.holder && isUuid(detail.holder) ? await nameOf(deps.db, detail.holder) : detail.holder;
  return {
    ...refusal,
    detail: {
      ...detail,
      ...(name ? { holder: name } : {}),
      ...(detail.since ? { at: t.time(detail.since) } : {}),
    },
  };
}

/** What was decided or which limit ended, as it stands recorded; undefined where an act leaves nothing to choose. */
export function decidedWords(t: Text, action: string, choice: string | null): string | undefined {
  if (!choice) return undefined;
  const ended = t.clocks[choice as CaseClock];
  return ended ? t.eventWithChoice(t.events['clock.lapsed'], ended) : t.decided[action as Action]?.[choice];
}

/** "Assess: physiotherapy". */
export const taskWords = (t: Text, kind: TaskKind, discipline: Discipline | null): string =>
  discipline ? t.taskWithDiscipline(t.tasks[kind], discipline) : t.tasks[kind];
