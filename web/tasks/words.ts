// Station 1, web: refusals with names instead of ids, and the one word for a task. Names are of colleagues, never of patients.
import { nameOf } from '../../db/views/task.ts';
import { isUuid } from '../../domain/ids.ts';
import type { TaskKind } from '../../domain/lifecycle.ts';
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

/** "Assess: physiotherapy". */
export const taskWords = (t: Text, kind: TaskKind, discipline: Discipline | null): string =>
  discipline ? t.taskWithDiscipline(t.tasks[kind], discipline) : t.tasks[kind];
