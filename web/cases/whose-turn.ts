// Station 1, web: whose turn it is, from the open tasks. Names whoever holds a task, else the organisation whose task it is.
import type { OpenTask } from '../../db/views/case.ts';
import type { Organisation } from '../../domain/consortium.ts';
import { LIFECYCLE, type TaskKind } from '../../domain/lifecycle.ts';
import type { Relation } from '../../domain/roles.ts';
import type { Text } from '../text/text.ts';

/** The organisation that does a kind of task; undefined when the applicant does. */
export function organisationOf(kind: TaskKind): Organisation | undefined {
  const rule = LIFECYCLE[kind];
  if (rule.related) return undefined;
  return rule.roles.includes('approval-officer') ? 'administration' : 'hospital';
}

/** A task in words, with its discipline. */
export const taskWords = (t: Text, task: Pick<OpenTask, 'kind' | 'discipline'>): string =>
  task.discipline ? t.taskWithDiscipline(t.tasks[task.kind], task.discipline) : t.tasks[task.kind];

export interface Turn {
  readonly task: OpenTask;
  readonly words: string;
  /** The reader is asked to do it. */
  readonly yours: boolean;
}

/** Open tasks as sentences. `own` is how the reader stands to the case, `person` who they are. */
export function turnsOf(
  t: Text,
  tasks: readonly OpenTask[],
  own: Relation | undefined,
  person: string,
): Turn[] {
  return tasks.map((task) => {
    const organisation = organisationOf(task.kind);
    const what = taskWords(t, task);
    const yours = organisation
      ? task.holder?.id === person
      : own !== undefined && (LIFECYCLE[task.kind].roles as readonly string[]).includes(own);
    const words = yours
      ? `${t.words.you}: ${what}`
      : task.holder
        ? t.my.turnOfPerson(
            task.holder.organisation
              ? `${task.holder.name}, ${t.organisations[task.holder.organisation]}`
              : task.holder.name,
            what,
          )
        : organisation
          ? t.my.turnOf(t.organisations[organisation], what)
          : t.my.turnOf(t.relations.patient, what);
    return { task, words, yours };
  });
}
