// Drive, filling in: what people plausibly write into the forms of their tasks. Only fields that the page shows are filled in,
// and only with choices it offers. Everything written is plainly invented.
import { CRITERIA } from '../../domain/acts.ts';
import type { Draw } from './draw.ts';
import { type Filling, type Form, offered } from './page.ts';
import type { TaskStep } from './plot.ts';

const FAMILY = ['Example', 'Sample', 'Invented', 'Fictional', 'Imagined', 'Specimen'];
const GIVEN = [
  'Alma',
  'Bruno',
  'Carla',
  'Diego',
  'Elif',
  'Felix',
  'Greta',
  'Hana',
  'Ivo',
  'Jana',
  'Karim',
  'Lena',
];
const REASONS = [
  'Hip fracture after a fall, operated on, walks with a frame.',
  'Stroke with weakness of the right arm and leg.',
  'Knee replacement, bends to seventy degrees.',
  'Pneumonia with a long stay in bed, short of breath on stairs.',
  'Multiple sclerosis with a relapse, unsteady gait.',
  'Low mood and loss of strength after heart surgery.',
];
const GOALS = [
  'Walk to the shop and back alone',
  'Climb one floor without help',
  'Wash and dress alone',
  'Hold a conversation on the telephone',
  'Return to work for half days',
];
const FINDINGS = [
  'Strength and endurance are reduced; motivation is good.',
  'Balance is uncertain on uneven ground; no falls since the last visit.',
  'Daily activities need some help in the morning, none in the afternoon.',
];
const PAPERS = ['Discharge letter of the hospital', 'Report of the family doctor', 'List of medicines'];

const two = (n: number): string => String(n).padStart(2, '0');

/** A date field is three parts on the page. */
const dateParts = (
  form: Form,
  name: string,
  [year, month, day]: readonly [number, number, number],
): Filling => {
  const whole = form.controls.some((control) => control.name === name);
  return whole
    ? { [name]: `${year}-${two(month)}-${two(day)}` }
    : { [`${name}.year`]: String(year), [`${name}.month`]: two(month), [`${name}.day`]: two(day) };
};

const has = (form: Form, name: string): boolean =>
  form.controls.some((control) => control.name === name && control.kind !== 'hidden');
const held = (form: Form, name: string): string =>
  form.controls.find((control) => control.name === name && control.kind !== 'hidden')?.value.trim() ?? '';

/** An application. What the page already holds, from a record or the person's own row, is left as it is. */
export function application(form: Form, draw: Draw, at: Date): Filling {
  const filling: Record<string, string | readonly string[]> = {};
  const write = (name: string, value: string) => {
    if (has(form, name) && held(form, name) === '') filling[name] = value;
  };
  write('patientName', `${draw.one(GIVEN)} ${draw.one(FAMILY)}`);
  write('reason', draw.one(REASONS));
  write('goals', `${draw.one(GOALS)}.`);
  if (has(form, 'birthDate.year') && held(form, 'birthDate.year') === '')
    Object.assign(
      filling,
      dateParts(form, 'birthDate', [draw.whole(1935, 1995), draw.whole(1, 12), draw.whole(1, 28)]),
    );
  if (has(form, 'reasonSince.year') && held(form, 'reasonSince.year') === '') {
    const since = new Date(at.getTime() - draw.whole(14, 300) * 86_400_000);
    Object.assign(
      filling,
      dateParts(form, 'reasonSince', [since.getUTCFullYear(), since.getUTCMonth() + 1, since.getUTCDate()]),
    );
  }
  const sexes = offered(form, 'sex').filter((value) => value !== 'unknown');
  const sexHeld = form.controls.find(({ name, checked }) => name === 'sex' && checked)?.value;
  if (sexes.length > 0 && (sexHeld === undefined || sexHeld === 'unknown')) filling.sex = draw.one(sexes);
  return filling;
}

/** The one text of an applicant's act: papers, withdrawal, appeal. */
export function oneText(form: Form, act: 'provide-papers' | 'withdraw' | 'appeal', draw: Draw): Filling {
  const field = form.controls.find(({ kind }) => kind === 'textarea')?.name ?? '';
  const words = {
    'provide-papers': `${draw.one(PAPERS)}: copied here in full, dated this month.`,
    withdraw: 'I will be treated at home by my family doctor.',
    appeal: 'My doctor says that the need is shown by the report of last month.',
  }[act];
  return { [field]: words };
}

/** What was done about a safety alert. */
export function acknowledgement(form: Form, draw: Draw): Filling {
  return { reason: draw.one(offered(form, 'reason')), note: 'Called together with the doctor on duty.' };
}

/** Answers to every item of the instruments on the page; with `later`, somewhat better ones. */
function measured(form: Form, draw: Draw, later: boolean): Filling {
  const filling: Record<string, string> = {};
  const names = new Set(form.controls.map(({ name }) => name).filter((name) => name.startsWith('m.')));
  for (const name of names) {
    const choices = offered(form, name);
    if (choices.length > 0) {
      // Scales run either way; a choice somewhere in the middle is plausible in all of them.
      const last = choices.length - 1;
      const chosen = choices[Math.min(last, Math.max(0, draw.whole(0, last) + (later ? 1 : 0)))];
      if (chosen !== undefined) filling[name] = chosen;
    } else filling[name] = String(number(name, draw, later));
  }
  return filling;
}

/** A number for an item by what its name says it is; small where it says nothing. */
function number(name: string, draw: Draw, later: boolean): number {
  if (/distance/.test(name)) return draw.whole(120, 380) + (later ? 60 : 0);
  if (/saturation/.test(name)) return draw.whole(90, 98);
  if (/pulse/.test(name)) return draw.whole(80, 130);
  if (/course/.test(name)) return 30;
  if (/rest-time/.test(name)) return draw.whole(0, 60);
  return draw.whole(0, 3);
}

/** The form of a task, decided as the step says. */
export function taskAnswers(form: Form, step: TaskStep, draw: Draw): Filling {
  const { choice, disciplines = [] } = step;
  const chosen = choice === undefined ? {} : { choice };
  const sessions = Object.fromEntries(
    Object.entries(step.sessions ?? {}).map(([discipline, count]) => [
      `sessions.${discipline}`,
      String(count),
    ]),
  );
  const reasons = (words: string): Filling => (has(form, 'reasons') ? { reasons: words } : {});
  switch (step.kind) {
    case 'decide-eligibility': {
      const judged = (not: boolean) =>
        Object.fromEntries(CRITERIA.map((one, i) => [`criteria.${one}`, not && i === 0 ? 'not-met' : 'met']));
      if (choice === 'ask-papers') return { ...chosen, papers: draw.shuffled(PAPERS).slice(0, 2) };
      if (choice === 'refuse')
        return {
          ...chosen,
          ...judged(true),
          ...reasons('The record does not show a need for rehabilitation.'),
        };
      return {
        ...chosen,
        ...judged(false),
        ...reasons('Need and prospects are shown by the record.'),
        disciplines,
      };
    }
    case 'decide-appeal':
      return choice === 'grant'
        ? { ...chosen, ...reasons('The new report shows the need.'), disciplines }
        : { ...chosen, ...reasons('The appeal brings nothing that was not weighed before.') };
    case 'approve-plan':
    case 'decide-outcome':
      return choice === 'send-back'
        ? { ...chosen, ...reasons('Please say more clearly how the goals are to be reached.') }
        : { ...chosen, ...reasons('Goals and means fit each other.') };
    case 'assess':
      return { ...measured(form, draw, false), findings: draw.one(FINDINGS) };
    case 're-evaluate':
      return { ...measured(form, draw, true), findings: draw.one(FINDINGS), ...chosen, ...sessions };
    case 'propose-plan':
      return {
        goals: draw.shuffled(GOALS).slice(0, draw.whole(1, 3)),
        minutes: String(draw.one([30, 45, 60])),
        ...sessions,
      };
    case 'record-session':
      return choice === 'absent'
        ? { ...chosen, note: 'Did not come; telephoned and was unwell.' }
        : {
            ...chosen,
            minutes: String(draw.one([30, 45, 60])),
            note: draw.one(['', 'Worked hard, was tired at the end.']),
          };
    case 'provide-papers':
    case 'record-follow-up':
      return { findings: draw.one(FINDINGS) };
    default:
      return step.kind satisfies never;
  }
}
