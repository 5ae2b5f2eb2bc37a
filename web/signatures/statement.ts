// Station 1, web: the words of a statement: who does what in which case, and every value that is decided, each on a line of its
// own, in the reader's language. The sign page shows this text and nothing else of the decision.
import { CRITERIA } from '../../domain/acts.ts';
import type { SignedAction } from '../../domain/events.ts';
import { instrumentById } from '../../domain/instruments/registry.ts';
import { DISCIPLINES, type Discipline } from '../../domain/roles.ts';
import { statementText } from '../../ledger/statement.ts';
import type { Session } from '../deps.ts';
import { answerWords } from '../tasks/instruments.tsx';
import { taskWords } from '../tasks/words.ts';
import type { Text } from '../text/text.ts';

/** What a statement is about. */
export interface About {
  readonly action: SignedAction;
  readonly discipline: Discipline | null;
  readonly caseNumber: string;
  readonly session: Session;
  /** Checked values, as `readActValues` gave them. */
  readonly values: Readonly<Record<string, unknown>>;
  readonly rules: string;
  readonly at: string;
  /** The last day of the clock that ends first, when one runs. */
  readonly lastDay: string | undefined;
  /** 128 random bits, base64url. */
  readonly salt: string;
}

/** Controls that nobody sees are not what anybody signs: a tab becomes a blank. */
const plain = (text: string): string => text.replaceAll('\t', ' ');

/** The statement's text. */
export function statementFor(t: Text, about: About): string {
  const { action, session, values } = about;
  const w = t.signing;
  const choice = typeof values.choice === 'string' ? values.choice : '';
  const who = [
    session.name,
    t.roles[session.role],
    ...(session.organisation ? [t.organisations[session.organisation as keyof Text['organisations']]] : []),
  ].join(t.marks.comma);
  return statementText({
    sentence: w.sentence(plain(who), w.acts[action][choice] ?? w.acts[action].done ?? '', about.caseNumber),
    lines: [
      ...(action === 'reopen' ? [] : [[w.task, taskWords(t, action, about.discipline)] as const]),
      ...valueLines(t, action, values).map(([label, value]) => [label, plain(value)] as const),
      [w.rules, about.rules],
      ...(about.lastDay ? [[w.lastDay, about.lastDay] as const] : []),
      [w.at, `${t.dateTime(about.at)} ${t.zone}, ${about.at}`],
      [w.signer, session.person],
    ],
    salt: about.salt,
  });
}

type Line = readonly [label: string, value: string];

function valueLines(
  t: Text,
  action: SignedAction,
  values: Readonly<Record<string, unknown>>,
): readonly Line[] {
  const lines: Line[] = [];
  const list = (name: string): readonly string[] => (values[name] as readonly string[] | undefined) ?? [];
  const said = (label: string, name: string): void => {
    const value = values[name];
    if (typeof value === 'string' && value !== '') lines.push([label, value]);
    if (typeof value === 'number') lines.push([label, t.number(value)]);
  };
  const choice = values.choice;
  if (typeof choice === 'string') lines.push([t.task.outcome, t.choices[action][choice] ?? choice]);
  const judged = values.criteria as Readonly<Record<string, string>> | undefined;
  if (judged)
    for (const criterion of CRITERIA)
      lines.push([t.criteria[criterion], t.judgements[judged[criterion] ?? ''] ?? '']);
  said(t.fields.reasons, 'reasons');
  said(t.fields.findings, 'findings');
  for (const { instrument: id, answers, statedTotal } of (values.measurements as Measured[] | undefined) ??
    []) {
    const instrument = instrumentById(id);
    for (const item of instrument?.items ?? []) {
      const answer = answers[item.id];
      if (instrument && answer !== undefined && answer !== null)
        lines.push([label(`${instrument.name[t.lang]}, ${item.text[t.lang]}`), answerWords(t, item, answer)]);
    }
    if (instrument && statedTotal !== undefined)
      lines.push([label(`${instrument.name[t.lang]}, ${t.signing.stated}`), t.number(statedTotal, 2)]);
  }
  if (list('goals').length > 0) lines.push([t.fields.planGoals, list('goals').join('\n')]);
  const sessions = values.sessions as Readonly<Partial<Record<Discipline, number>>> | undefined;
  for (const discipline of DISCIPLINES)
    if (sessions?.[discipline]) lines.push([t.fields.sessionsOf(discipline), t.number(sessions[discipline])]);
  if (action === 'propose-plan') said(t.fields.minutes, 'minutes');
  if (action === 'record-session' && choice === 'held') said(t.fields.sessionMinutes, 'minutes');
  said(choice === 'absent' ? t.fields.absentReason : t.fields.note, 'note');
  if (list('disciplines').length > 0)
    lines.push([
      t.fields.disciplines,
      t.list(list('disciplines').map((discipline) => t.disciplines[discipline as Discipline])),
    ]);
  if (list('papers').length > 0) lines.push([t.fields.papers, list('papers').join('\n')]);
  return lines;
}

interface Measured {
  readonly instrument: string;
  readonly answers: Readonly<Record<string, unknown>>;
  readonly statedTotal?: number;
}

/** Wordings of instruments as labels: a question that ends in a colon, or has one inside, would read like two. */
const label = (words: string): string => words.replace(/:\s/g, ', ').replace(/[:\s]+$/, '');
