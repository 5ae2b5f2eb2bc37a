// Station 1, web: English. Whole sentences, "you" and "we", results before reasons; UI.md section 6 has the rules.
// The shape of this object is the shape of every catalogue. Never holds a value that belongs to a person.

import type { ACT_FAULTS, Criterion } from '../../domain/acts.ts';
import type { Organisation } from '../../domain/consortium.ts';
import type { AuditEvent } from '../../domain/events.ts';
import type {
  Action,
  CaseClock,
  CaseState,
  CHOICES,
  Duty,
  Outcome,
  Stage,
  TaskKind,
} from '../../domain/lifecycle.ts';
import type { RefusalCode } from '../../domain/refusal.ts';
import type { Discipline, Relation, Role } from '../../domain/roles.ts';
import { formats } from './formats.ts';

const { number } = formats('en', 'UTC');
const rules = new Intl.PluralRules('en');
/** "1 task", "41 tasks": the number with its noun. */
const count = (n: number, one: string, other: string) =>
  `${number(n)}\u00a0${rules.select(n) === 'one' ? one : other}`;

/** Units of a limit, as the law counts them. */
export type LimitUnit = 'working-day' | 'day' | 'week' | 'month' | 'hour' | 'minute' | 'second';
type Values = Readonly<Record<string, string | number>>;

type ChoiceWords = { [A in Action]: Record<(typeof CHOICES)[A][number], string> };
/** Faults known to the forms; others come from instruments and sign-in. */
type FaultKey = (typeof ACT_FAULTS)[number];

const amount = (n: number, unit: LimitUnit): string => {
  switch (unit) {
    case 'working-day':
      return count(n, 'working day', 'working days');
    case 'day':
      return count(n, 'day', 'days');
    case 'week':
      return count(n, 'week', 'weeks');
    case 'month':
      return count(n, 'month', 'months');
    case 'hour':
      return count(n, 'hour', 'hours');
    case 'minute':
      return count(n, 'minute', 'minutes');
    case 'second':
      return count(n, 'second', 'seconds');
    default:
      return unit satisfies never;
  }
};

const disciplines: Record<Discipline, string> = {
  physiotherapy: 'Physiotherapy',
  'occupational-therapy': 'Occupational therapy',
  'speech-therapy': 'Speech therapy',
  psychology: 'Psychology',
};

const duties: Record<Duty, string> = {
  'decide-eligibility': 'decided on the application',
  assess: 'assessed this case',
  'propose-plan': 'proposed the plan',
  'approve-plan': 'decided on the plan',
  're-evaluate': 're-evaluated this case',
  'decide-outcome': 'decided on the outcome',
};
const dutyWords = (duty: string): string =>
  duty === 'relation' ? 'stand in a personal relation to this case' : `${duties[duty as Duty] ?? duty}`;

export const en = {
  languageName: 'English',
  otherLanguage: '中文',
  otherLanguageLabel: 'Use Chinese (中文)',
  service: 'Rehabilitation',

  frame: {
    skip: 'Skip to the content',
    navigation: 'Main navigation',
    menu: 'Menu',
    search: 'Search',
    help: 'Help',
    keys: 'Keyboard shortcuts',
    account: 'Account',
    actingAs: (role: string) => `Acting as ${role}`,
    actingFor: (name: string) => `Acting for ${name}`,
    switchRole: 'Switch role',
    settings: 'Settings',
    signOut: 'Sign out',
    signIn: 'Sign in',
    back: 'Back',
    footer: 'Help and contact',
    helpAndContact: 'Help and contact',
    accessibility: 'Accessibility statement',
    checkpoint: (size: number) => `Newest checkpoint #${number(size)}`,
    cosigned: (n: number, of: number) => `cosigned ${n} of ${of}`,
    cosignaturesLater: 'cosignatures not in use yet',
    anchoredUpTo: (size: number) => `anchored up to #${number(size)}`,
    zone: (zone: string) => `Times in ${zone}`,
    demonstration: 'Demonstration. All people and cases here are invented.',
    errorTitle: 'Error: ',
    close: 'Close',
  },

  navigation: {
    queue: 'Queue',
    cases: 'Cases',
    day: 'My day',
    board: 'Board',
    audit: 'Audit',
    people: 'People',
    my: 'My case',
    applications: 'Applications',
    apply: 'New application',
    search: 'Search',
    reconcile: 'Reconcile',
    import: 'Import',
  },

  script: {
    saving: 'Saving',
    waiting: 'This takes longer than usual. You can keep waiting; nothing is lost.',
    asking: 'We are not sure yet whether it arrived. We ask again with the same number.',
    unsure: 'We still do not know whether it arrived. It is safe to leave this page.',
    ask: 'Look again',
    noAnswer: 'No answer came. Your text is still here. Try again.',
    offline: 'You are offline. Your text is still here. We ask again when the connection is back.',
    ended: 'You are signed out here. What you see may be old. Sign in again in a new tab.',
    copied: 'Copied',
  },

  words: {
    and: 'and',
    yes: 'Yes',
    no: 'No',
    none: 'None',
    notGiven: 'Not given',
    optional: 'optional',
    change: 'Change',
    choose: 'Choose',
    show: 'Show',
    open: 'Open',
    tryAgain: 'Try again',
    cancel: 'Cancel',
    save: 'Save',
    saved: 'Saved',
    print: 'Print',
    details: 'Technical details',
    you: 'you',
    nobody: 'nobody',
    unknown: 'unknown',
    from: 'From',
    to: 'To',
    day: 'Day',
    month: 'Month',
    year: 'Year',
    any: 'any',
    requestNumber: (id: string) => `Request number ${id}`,
    newTab: 'opens in a new tab',
  },

  roles: {
    patient: 'patient',
    guardian: 'guardian',
    supporter: 'supporter',
    referrer: 'referrer',
    'approval-officer': 'approval officer',
    therapist: 'therapist',
    doctor: 'doctor',
    administrator: 'administrator',
    'security-administrator': 'security administrator',
    auditor: 'auditor',
    researcher: 'researcher',
    'privacy-officer': 'privacy officer',
  } satisfies Record<Role, string> as Record<Role, string>,

  relations: {
    patient: 'Patient',
    guardian: 'Guardian',
    supporter: 'Supporter',
    referrer: 'Referrer',
  } satisfies Record<Relation, string> as Record<Relation, string>,

  organisations: {
    administration: 'Health administration',
    hospital: 'Hospital',
    association: 'Patients’ association',
  } satisfies Record<Organisation, string> as Record<Organisation, string>,

  disciplines,

  stages: {
    application: 'Application',
    assessment: 'Assessment',
    treatment: 'Treatment',
    're-evaluation': 'Re-evaluation',
    approval: 'Approval',
    'follow-up': 'Follow-up',
    closed: 'Closed',
  } satisfies Record<Stage, string> as Record<Stage, string>,

  states: {
    'eligibility-due': 'Application to decide',
    'papers-asked': 'Waiting for papers',
    refused: 'Refused, appeal possible',
    'appeal-due': 'Appeal to decide',
    'assessment-due': 'Assessment to do',
    'plan-due': 'Plan to propose',
    'plan-approval-due': 'Plan to decide',
    'in-treatment': 'In treatment',
    're-evaluation-due': 'Re-evaluation to do',
    'outcome-due': 'Outcome to decide',
    'follow-up-waiting': 'Follow-up later',
    'follow-up-due': 'Follow-up to do',
    closed: 'Closed',
  } satisfies Record<CaseState, string> as Record<CaseState, string>,

  outcomes: {
    approved: 'Approved',
    refused: 'Refused',
    withdrawn: 'Withdrawn',
  } satisfies Record<Outcome, string> as Record<Outcome, string>,

  /** What is done, as a heading of its page and as a link. */
  actions: {
    'submit-application': 'Apply for rehabilitation',
    'decide-eligibility': 'Decide application',
    'provide-papers': 'Provide papers',
    assess: 'Assess',
    'propose-plan': 'Propose plan',
    'approve-plan': 'Decide plan',
    'record-session': 'Record session',
    're-evaluate': 'Re-evaluate',
    'decide-outcome': 'Decide outcome',
    'record-follow-up': 'Record follow-up',
    withdraw: 'Withdraw application',
    appeal: 'Appeal against the refusal',
    'decide-appeal': 'Decide appeal',
    reopen: 'Reopen case',
  } satisfies Record<Action, string> as Record<Action, string>,

  /** What a choice is called beside its radio button. */
  choices: {
    'submit-application': {},
    'decide-eligibility': { accept: 'Accept', refuse: 'Refuse', 'ask-papers': 'Ask for papers' },
    'provide-papers': {},
    assess: {},
    'propose-plan': {},
    'approve-plan': { approve: 'Approve', 'send-back': 'Send back' },
    'record-session': { held: 'Held', absent: 'Absent' },
    're-evaluate': {
      continue: 'Continue treatment',
      'change-plan': 'Change the plan',
      finish: 'Finish treatment',
    },
    'decide-outcome': { approve: 'Approve', 'send-back': 'Send back' },
    'record-follow-up': {},
    withdraw: {},
    appeal: {},
    'decide-appeal': { grant: 'Grant the appeal', uphold: 'Uphold the refusal' },
    reopen: {},
  } satisfies ChoiceWords as Record<Action, Record<string, string>>,

  /** What follows from a choice, said under it. */
  choiceHints: {
    'decide-eligibility': {
      accept: 'The case goes on to assessment in the disciplines you choose.',
      refuse: 'The applicant gets your reasons and may appeal.',
      'ask-papers': 'The clock pauses until the papers are here.',
    },
    'approve-plan': {
      approve: 'Treatment starts with the sessions in this plan.',
      'send-back': 'The plan goes back with your reasons.',
    },
    'record-session': { held: 'The session counts.', absent: 'The session is put back and does not count.' },
    're-evaluate': {
      continue: 'More sessions under the same plan.',
      'change-plan': 'A doctor or lead therapist proposes a new plan.',
      finish: 'The case goes to final approval.',
    },
    'decide-outcome': {
      approve: 'The rehabilitation is approved and follow-up begins.',
      'send-back': 'The case goes back to re-evaluation with your reasons.',
    },
    'decide-appeal': {
      grant: 'The refusal is lifted and assessment begins.',
      uphold: 'The refusal stands and the case closes.',
    },
  } as Record<string, Record<string, string>>,

  /** The one primary button of each form, named by its outcome. */
  buttons: {
    'submit-application': 'Send the application',
    'decide-eligibility': 'Decide the application',
    'provide-papers': 'Send the papers',
    assess: 'Record the assessment',
    'propose-plan': 'Propose this plan',
    'approve-plan': 'Decide the plan',
    'record-session': 'Record the session',
    're-evaluate': 'Record the re-evaluation',
    'decide-outcome': 'Decide the outcome',
    'record-follow-up': 'Record the follow-up',
    withdraw: 'Withdraw the application',
    appeal: 'Send the appeal',
    'decide-appeal': 'Decide the appeal',
    reopen: 'Reopen the case',
  } satisfies Record<Action, string> as Record<Action, string>,

  /** What was done, after the answer. */
  done: {
    'submit-application': (caseNumber: string) => `We have your application. Its number is ${caseNumber}.`,
    'decide-eligibility': (caseNumber: string) => `Your decision on ${caseNumber} is recorded.`,
    'provide-papers': (caseNumber: string) => `Your papers for ${caseNumber} are here.`,
    assess: (caseNumber: string) => `The assessment of ${caseNumber} is recorded.`,
    'propose-plan': (caseNumber: string) => `The plan for ${caseNumber} is proposed.`,
    'approve-plan': (caseNumber: string) => `Your decision on the plan of ${caseNumber} is recorded.`,
    'record-session': (caseNumber: string) => `The session of ${caseNumber} is recorded.`,
    're-evaluate': (caseNumber: string) => `The re-evaluation of ${caseNumber} is recorded.`,
    'decide-outcome': (caseNumber: string) => `Your decision on the outcome of ${caseNumber} is recorded.`,
    'record-follow-up': (caseNumber: string) => `The follow-up of ${caseNumber} is recorded.`,
    withdraw: (caseNumber: string) => `The application ${caseNumber} is withdrawn.`,
    appeal: (caseNumber: string) => `We have your appeal in ${caseNumber}.`,
    'decide-appeal': (caseNumber: string) => `Your decision on the appeal in ${caseNumber} is recorded.`,
    reopen: (caseNumber: string) => `The case ${caseNumber} is open again.`,
  } satisfies Record<Action, (caseNumber: string) => string>,

  tasks: {
    'decide-eligibility': 'Decide application',
    'provide-papers': 'Provide papers',
    assess: 'Assess',
    'propose-plan': 'Propose plan',
    'approve-plan': 'Decide plan',
    'record-session': 'Record session',
    're-evaluate': 'Re-evaluate',
    'decide-outcome': 'Decide outcome',
    'record-follow-up': 'Record follow-up',
    'decide-appeal': 'Decide appeal',
  } satisfies Record<TaskKind, string> as Record<TaskKind, string>,
  taskWithDiscipline: (task: string, discipline: Discipline) =>
    `${task}: ${disciplines[discipline].toLowerCase()}`,

  duties,

  events: {
    'application.submitted': 'Application sent',
    'eligibility.decided': 'Application decided',
    'papers.provided': 'Papers came in',
    'assessment.recorded': 'Assessed',
    'plan.proposed': 'Plan proposed',
    'plan.decided': 'Plan decided',
    'session.recorded': 'Session recorded',
    're-evaluation.recorded': 'Re-evaluated',
    'outcome.decided': 'Outcome decided',
    'follow-up.recorded': 'Follow-up recorded',
    'application.withdrawn': 'Withdrawn',
    'appeal.made': 'Appeal made',
    'appeal.decided': 'Appeal decided',
    'case.reopened': 'Reopened',
    'clock.lapsed': 'Limit ended',
    'task.claimed': 'Claimed',
    'task.handed-back': 'Handed back',
    'act.refused': 'Act refused',
    'case.disclosed': 'Case looked at',
    'person.added': 'Person added',
    'role.assigned': 'Role given',
    'role.ended': 'Role ended',
    'session.opened': 'Signed in',
    'session.closed': 'Signed out',
    'passkey.added': 'Passkey added',
    'verification.run': 'Verification run',
  } satisfies Record<AuditEvent, string> as Record<AuditEvent, string>,
  eventWithChoice: (event: string, choice: string) => `${event}: ${choice}`,

  clocks: {
    'eligibility-decision': 'Decide on the application',
    'eligibility-deemed': 'Application counts as approved',
    'papers-answer': 'Send the papers',
    assessment: 'Assess',
    plan: 'Propose a plan',
    'plan-approval': 'Decide on the plan',
    're-evaluation-interval': 'Next re-evaluation',
    're-evaluation': 'Re-evaluate',
    'outcome-decision': 'Decide on the outcome',
    'follow-up-interval': 'Follow-up begins',
    'follow-up': 'Record the follow-up',
    'appeal-period': 'Appeal possible',
    'appeal-decision': 'Decide on the appeal',
  } satisfies Record<CaseClock, string> as Record<CaseClock, string>,
  clockEffects: {
    'eligibility-decision': 'The case is shown as overdue. Nothing is locked.',
    'eligibility-deemed': 'Without a decision by then, the application counts as approved.',
    'papers-answer': 'The officer then decides with what is there.',
    assessment: 'The case is shown as overdue. Nothing is locked.',
    plan: 'The case is shown as overdue. Nothing is locked.',
    'plan-approval': 'The case is shown as overdue. Nothing is locked.',
    're-evaluation-interval': 'Re-evaluation is then due.',
    're-evaluation': 'The case is shown as overdue. Nothing is locked.',
    'outcome-decision': 'The case is shown as overdue. Nothing is locked.',
    'follow-up-interval': 'A follow-up is then due.',
    'follow-up': 'The case is shown as overdue. Nothing is locked.',
    'appeal-period': 'After this day the refusal stands and the case closes.',
    'appeal-decision': 'The case is shown as overdue. Nothing is locked.',
  } satisfies Record<CaseClock, string> as Record<CaseClock, string>,

  clock: {
    left: (n: number, unit: LimitUnit, lastDay: string) => `${amount(n, unit)} left, ${lastDay}`,
    lastToday: (lastDay: string) => `Due today, ${lastDay}`,
    overdue: (n: number, unit: LimitUnit, lastDay: string) => `Overdue ${amount(n, unit)}, ${lastDay}`,
    overdueToday: (lastDay: string) => `Overdue, ${lastDay}`,
    paused: (since: string) => `Paused since ${since}`,
    met: (on: string) => `Met on ${on}`,
    ended: (on: string) => `Ended on ${on}`,
    notStarted: 'Not started',
    none: 'No limit',
    amount,
    within: (name: string, length: string) => `${name} within ${length}`,
    started: 'Started',
    due: 'Due',
    lastDay: 'Last day',
    basis: 'Legal basis',
    effect: 'At the end',
    spent: (percent: number) => `${percent}% of the time is used`,
  },

  criteria: {
    need: 'Need for rehabilitation',
    capacity: 'Able to take part',
    prognosis: 'Prognosis',
  } satisfies Record<Criterion, string> as Record<Criterion, string>,
  criteriaHints: {
    need: 'A health problem limits daily life, and ordinary treatment is not enough.',
    capacity: 'The person can take part in rehabilitation now.',
    prognosis: 'The goals can probably be reached in the time planned.',
  } satisfies Record<Criterion, string> as Record<Criterion, string>,
  judgements: { met: 'Met', 'not-met': 'Not met' } as Record<string, string>,
  criteriaTable: {
    caption: 'Criteria and how you judge them',
    criterion: 'Criterion',
    evidence: 'Evidence',
    judgement: 'Judgement',
    judgeHint: (criterion: string) => `Your judgement of: ${criterion}`,
    notJudged: 'Not judged yet',
  },

  proof: {
    pending: 'pending',
    sequenced: (index: number) => `sequenced #${number(index)}`,
    anchored: (index: number) => `anchored #${number(index)}`,
    cosigned: (n: number, of: number) => `${n} of ${of}`,
    pendingNote: 'Committed. It has no number in the log yet.',
    sequencedNote: 'In the log. The chain has not accepted a checkpoint that covers it yet.',
    anchoredNote: 'The chain has accepted a checkpoint that covers it.',
    waits: (words: string) => `anchoring waits, ${words}`,
    label: 'Proof',
    statedTime: 'Time stated by the service.',
  },

  who: {
    forWhom: (name: string) => `for ${name}`,
    system: 'the service',
    roleAt: (role: string, organisation: string) => `${role}, ${organisation}`,
    since: (date: string) => `since ${date}`,
  },

  errors: {
    summary: (n: number) =>
      n === 1 ? 'There is 1 thing to correct' : `There are ${number(n)} things to correct`,
    fieldPrefix: 'To correct:',
    notFoundTitle: 'We cannot show this page',
    notFound:
      'There is no such page, or it is not for you to see. Check the address, or go back to your list.',
    forbiddenTitle: 'This is not yours to do',
    signedOutTitle: 'You are signed out',
    signedOut: 'Sign in in a new tab, then come back here and try again. What you typed stays in the form.',
    downTitle: 'We cannot take decisions just now',
    down: 'You can read and write drafts. Nothing is lost. Try again in a moment.',
    bugTitle: 'Something did not work on our side',
    bug: 'Nothing you typed here was recorded. Try again. If it happens again, tell us the request number.',
    tooLargeTitle: 'This is more than we can take at once',
    tooLarge: 'Shorten the text or send the file in parts.',
    tooManyTitle: 'Too many tries',
    tooMany: (seconds: number) => `Wait ${count(seconds, 'second', 'seconds')}, then try again.`,
    malformedTitle: 'We could not read this form',
    malformed: 'Open the page again from your list and fill in the form there.',
    staleTitle: 'This page is out of date',
    toQueue: 'Go to your list',
    toCase: 'See the case',
  },

  refusals: {
    malformed: () => 'We could not read this form. Open the page again and fill it in there.',
    values: () => 'Some answers need correcting.',
    unknown: () => 'There is no such page, or it is not for you to see.',
    'wrong-role': (v: Values) =>
      v.discipline
        ? `This task is for ${disciplines[v.discipline as Discipline]?.toLowerCase() ?? 'another discipline'}. A colleague of that discipline can do it.`
        : v.skill
          ? 'This task is for a doctor or a lead therapist.'
          : 'Your role may not do this. Ask an administrator who may.',
    'not-related': () => 'Only the patient, their guardian or the person who referred them may do this.',
    'wrong-state': () =>
      'The case has moved on, so this step is no longer open. See the case for what comes next.',
    'conflict-of-duties': (v: Values) =>
      v.duty === 'relation'
        ? 'You stand in a personal relation to this case, so somebody else must do this.'
        : `You ${dutyWords(String(v.duty ?? ''))}, so somebody else must do this (two duties in one case).`,
    'not-claimed': () => 'You no longer hold this task. Claim it again, then send your text.',
    'stale-claim': (v: Values) =>
      v.holder
        ? `${v.holder} took this over${v.at ? ` at ${v.at}` : ''}. Your text is kept below.`
        : 'Somebody else took this over. Your text is kept below.',
    'already-claimed': (v: Values) =>
      v.holder ? `${v.holder} works on this task already.` : 'Somebody else works on this task already.',
    'key-reused': () =>
      'This form was sent before with other answers. Open the page again to see what was recorded.',
    'key-unbound': () => 'This form was not made for you. Open the page again from your list.',
    'too-late': () => 'The period for this has ended.',
    'not-due': () => 'The limit for this has not ended, or no longer runs. See the case for its day.',
    duplicate: () => 'This is already here. Nothing was added.',
  } satisfies Record<RefusalCode, (v: Values) => string> as Record<RefusalCode, (v: Values) => string>,

  faults: {
    required: () => 'Fill this in',
    tooLong: (v: Values) => `Shorten this to ${count(Number(v.max ?? 0), 'character', 'characters')} at most`,
    controlCharacters: () => 'Remove the invisible control characters from this text',
    notADate: () => 'Enter a date that exists, for example 12 11 2026',
    notANumber: () => 'Enter a whole number, for example 45',
    outOfRange: (v: Values) =>
      v.min !== undefined && v.max !== undefined
        ? `Enter a number from ${v.min} to ${v.max}`
        : v.min !== undefined
          ? `Enter ${v.min} or more`
          : `Enter ${v.max ?? 'less'} or less`,
    chooseOne: () => 'Choose one of the answers',
    judgeAll: () => 'Judge each criterion as met or not met',
    reasonsNeeded: () => 'Give your reasons',
    chooseDiscipline: () => 'Choose at least one discipline',
    namePapers: () => 'Name at least one paper that is missing',
    refusalNeedsNotMet: () =>
      'A refusal needs a criterion that is not met. Judge one as not met, or choose another outcome',
    nameGoal: () => 'Name at least one goal',
    planSessions: () => 'Plan at least one session in one discipline',
    sessionMinutes: () => 'Enter how many minutes the session took, 5 or more',
    unknownField: () => 'Remove this: the form does not have such a field',
    notReadable: () => 'Enter this again in the form shown',
  } satisfies Record<FaultKey, (v: Values) => string> as Record<FaultKey, (v: Values) => string> &
    Record<string, ((v: Values) => string) | undefined>,

  stale: {
    title: 'Somebody else took this over',
    takenOver: (name: string, time: string) =>
      `${name} took this over at ${time}. Your text is kept as a note.`,
    copyText: 'Copy my text',
    seeCase: 'See the case',
  },
  working: {
    title: 'Still working',
    unsure: 'We are not sure yet whether it arrived. We ask again with the same number.',
    safe: 'It is safe to leave this page. The act happens once or not at all.',
    again: 'Look again',
    done: 'It is done.',
    refused: 'It was not done.',
    since: (time: string) => `Sent at ${time}`,
  },
  live: {
    on: 'Live, {seconds} s old',
    off: 'Not live since {time}, figures may be old',
    paused: 'Paused since {time}',
    waiting: 'Live updates start with script',
    asOf: (time: string) => `As of ${time}`,
    reload: 'Reload',
    pause: 'Pause',
    resume: 'Go on',
    changed: (changed: number, fresh: number, time: string) =>
      `${count(changed, 'row', 'rows')} changed, ${number(fresh)} new at ${time}`,
  },
  hash: { copy: 'Copy the whole value', label: 'Hash' },

  table: {
    sortBy: (column: string) => `Sort by ${column}`,
    select: (what: string) => `Select ${what}`,
    scroll: 'Table, scrolls sideways',
  },
  pager: {
    label: 'Pages',
    range: (from: number, to: number, total: number) => `${number(from)}–${number(to)} of ${number(total)}`,
    rangeOpen: (from: number, to: number) => `${number(from)}–${number(to)} of more than ${number(10_000)}`,
    first: 'First page',
    next: (n: number) => `Next ${number(n)}`,
    rows: 'Rows',
    rowsOf: (n: number) => `Show ${number(n)} rows`,
  },
  filter: { label: 'Filter', show: 'Show', clear: 'Clear filters', find: 'Find', views: 'Views' },
  stageStrip: {
    label: 'Stages of this case',
    done: 'done',
    now: 'now',
    ahead: 'to come',
    ended: 'ended here',
    round: (n: number) => `round ${number(n)}`,
  },
  chart: {
    value: 'Value',
    date: 'Date',
    change: 'Change',
    goal: 'Goal',
    goalAt: (value: string) => `Goal ${value}`,
    first: 'first value',
    real: 'real change',
    notReal: 'within measurement error',
    realFor: (population: string) =>
      `Change counts as real beyond the shaded band; figure for ${population}.`,
    noError: 'No figure for measurement error is on file, so no change is called real.',
    lowerIsBetter: 'Lower is better',
    higherIsBetter: 'Higher is better',
    range: (min: string, max: string) => `Range ${min} to ${max}`,
    none: 'Not measured yet',
    alt: (name: string, first: string, last: string, n: number) =>
      n < 2
        ? `${name}: one value, ${last}`
        : `${name}: ${count(n, 'value', 'values')}, from ${first} to ${last}`,
    by: 'By',
  },
  stores: {
    postgres: 'Database',
    history: 'Process history',
    log: 'Log',
    chain: 'Chain',
    act: 'Act',
    agrees: 'agrees',
    differs: 'differs',
    waits: 'waits',
    caption: 'The same acts in four stores',
    summary: (agree: number, differ: number, wait: number) =>
      `${number(agree)} agree, ${number(differ)} ${rules.select(differ) === 'one' ? 'differs' : 'differ'}, ${number(wait)} ${rules.select(wait) === 'one' ? 'waits' : 'wait'}`,
    fold: (n: number) => `Show ${number(n)} that agree`,
  },
  print: {
    printedAt: (time: string) => `Printed ${time}`,
    state: 'State when printed',
  },
  evidence: {
    label: 'Evidence',
    looking: 'Looking at this is recorded, and the patient sees it.',
    cite: (n: number) => `Evidence ${n}`,
  },
  timeline: {
    label: 'Timeline, newest first',
    empty: 'Nothing has happened yet.',
    actor: 'Actor',
    forWhom: 'For',
    entry: 'Entry',
    at: 'Recorded',
    parameters: 'Parameters version',
    changes: 'Changes',
    table: 'Table',
    column: 'Column',
    leaf: 'Leaf',
    checkpoint: 'Checkpoint',
    version: 'Case version',
    operation: 'Operation',
  },

  signIn: {
    title: 'Sign in',
    passkey: 'Sign in with a passkey',
    passkeyHint: 'Your device asks for your fingerprint, face or PIN. There is no password.',
    organisation: 'Your organisation',
    demoTitle: 'Sign in as a demonstration person',
    demo: 'Everybody here is invented. Choose somebody to work as; each sees only what the role allows.',
    demoAs: (name: string, role: string) => `${name}, ${role}`,
    signedOutAt: (time: string) => `You were signed out at ${time}. Your drafts are kept.`,
    signedOut: 'You are signed out.',
    unknown:
      'We could not sign you in with this passkey. Try another one, or ask your administrator for a new link.',
    noScript: 'Signing in with a passkey needs JavaScript in your browser.',
    lead: 'Lead therapist',
  },

  queue: {
    title: 'Queue',
    views: { open: 'Open to me', mine: 'Mine', team: 'Team', late: 'Late' } as Record<string, string>,
    takeNext: 'Take the next task',
    total: (n: number) => count(n, 'task', 'tasks'),
    caption: 'Tasks, least time left first',
    case: 'Case',
    task: 'Task',
    stage: 'Stage',
    timeLeft: 'Time left',
    with: 'With',
    claim: 'Claim',
    claimTask: (task: string, caseNumber: string) => `Claim: ${task}, ${caseNumber}`,
    handBack: 'Hand back',
    open: 'Open',
    until: (time: string) => `until ${time}`,
    claimedNow: (task: string, caseNumber: string) => `You claimed “${task}” in ${caseNumber}.`,
    handedBack: (caseNumber: string) =>
      `You handed ${caseNumber} back. Everybody who may do it sees it again.`,
    nothingNext: 'There is no task that you may take now.',
    empty: 'Nothing waits for you.',
    emptyTeam: (n: number) => `${count(n, 'task is', 'tasks are')} with your team.`,
    emptyFilter: 'No task fits these filters.',
    toTeam: 'See the team’s tasks',
    notForYou: (n: number) => `Not for you (${number(n)})`,
    notForYouWhy: 'Why not you',
    kind: 'Kind',
    clock: 'Clock',
    clocks: { late: 'overdue', today: 'due today', soon: 'due in 3 days', paused: 'paused' } as Record<
      string,
      string
    >,
    recordHint: 'Rows show no names. The name stands on the case, where your look is recorded.',
  },

  day: {
    title: 'My day',
    sessions: 'Sessions today',
    toFinish: 'To finish',
    free: 'Open to me',
    record: 'Record',
    absent: 'Absent',
    none: 'No session waits for you today.',
    noneToFinish: 'Nothing is left to finish.',
    sessionsLeft: (n: number) => `${count(n, 'session', 'sessions')} left`,
    previous: 'Day before',
    next: 'Day after',
    done: 'Done today',
  },

  task: {
    yoursUntil: (time: string) => `Yours until ${time}`,
    with: (name: string, time: string) => `With ${name} until ${time}`,
    free: 'Nobody works on this yet.',
    claimFirst: 'Claim this task to work on it. Others then see that it is with you.',
    claim: 'Claim this task',
    handBack: 'Hand back',
    evidence: 'Evidence',
    decision: 'Decision',
    work: 'Your entry',
    draftSaved: (time: string) => `Draft saved ${time}`,
    draftNotYet: 'Your draft is saved as you type.',
    saveLeave: 'Save and leave',
    outcome: 'Outcome',
    rules: 'Rules',
    barred: 'Not for you',
    done: 'This task is done.',
    check: 'Check the decision',
    back: 'Back to the queue',
    previousFindings: 'What was found before',
  },

  fields: {
    patientName: 'Name of the patient',
    patientNameHint: 'As the person writes it.',
    birthDate: 'Date of birth',
    dateHint: 'For example 12 11 1961',
    sex: 'Sex',
    sexes: { female: 'Female', male: 'Male', other: 'Other', unknown: 'Not stated' } as Record<
      string,
      string
    >,
    language: 'Language the patient prefers',
    reason: 'Why rehabilitation is needed',
    reasonHint: 'The illness or accident, and what the patient cannot do because of it.',
    reasonCode: 'Code of the diagnosis',
    reasonSince: 'Since',
    goals: 'What the patient wants to be able to do again',
    background: 'Other conditions',
    questions: 'Questions still open',
    source: 'Source',
    reasons: 'Reasons',
    reasonsHint: 'The applicant reads this. Results first, then why.',
    reasonsOptional: 'Reasons, where there are any',
    disciplines: 'Disciplines that assess',
    papers: 'Papers that are missing',
    papersHint: 'One per line. The applicant sees this list.',
    answer: 'Your answer to what was asked',
    answerHint: 'Write what the papers say, or copy their text here.',
    asked: 'What was asked for',
    findings: 'Findings',
    findingsHint: 'What you saw and what it means for daily life.',
    planGoals: 'Goals',
    planGoalsHint: 'One per line, each something that can be seen or measured.',
    sessions: 'Sessions planned',
    sessionsOf: (discipline: Discipline) => `Sessions of ${disciplines[discipline].toLowerCase()}`,
    minutes: 'Minutes per session',
    sessionMinutes: 'How long it took',
    minutesUnit: 'minutes',
    note: 'Note',
    absentReason: 'Why the session did not take place',
    choice: 'Decision',
    reEvaluation: 'How it goes on',
    withdrawReasons: 'Why you withdraw',
    withdrawReasonsHint: 'You need not give a reason.',
    appealReasons: 'Why you think the refusal is wrong',
    criteria: 'Criteria',
    organisation: 'Organisation',
    date: 'Date',
  },

  instruments: {
    title: 'Instruments',
    score: 'Score',
    total: 'Total',
    items: 'Items',
    missing: 'Not answered',
    scoredByServer: 'We compute the score from your answers.',
    rangeOf: (min: string, max: string) => `${min} to ${max}`,
    statedDiffers: (stated: string, computed: string) =>
      `The source states ${stated}, the answers add up to ${computed}. We show the computed score.`,
    notScored: 'Not scored: too many answers are missing',
    notDone: 'Not done this time',
  },

  apply: {
    title: 'Apply for rehabilitation',
    lead: 'We ask only for what the decision needs. You can withdraw at any time.',
    draftTitle: 'Drafts',
    draftLead: 'Read in from a file. Complete them and send them.',
    drafts: (n: number) => count(n, 'draft', 'drafts'),
    fromImport: (source: string) => `Read in from ${source}`,
    openQuestions: 'We still need answers',
    whatNext: 'What happens next',
    whatNextText:
      'An approval officer of the health administration decides and tells you by the day shown on your case.',
  },
  papers: {
    title: 'Provide papers',
    lead: 'The clock stands still until your answer is here.',
  },
  withdraw: {
    title: 'Withdraw the application',
    effect:
      'The case ends now. Work that was planned stops. What was recorded stays recorded. You can apply again.',
    keep: 'Keep the application',
  },
  appeal: {
    title: 'Appeal against the refusal',
    until: (date: string) => `You can appeal until ${date}.`,
    effect: 'Somebody who decided nothing in this case looks at it again.',
  },
  reopen: {
    title: 'Reopen the case',
    effect: 'A new round begins with the application. Everything before stays as it is.',
  },

  cases: {
    title: 'Cases',
    caption: 'Cases, newest change first',
    number: 'Case',
    stage: 'Stage',
    state: 'State',
    outcome: 'Outcome',
    move: 'Whose move',
    changed: 'Changed',
    find: 'Case number',
    findHint: 'For example RC-7QK4-M2',
    empty: 'There are no cases yet.',
    emptyFilter: 'No case fits these filters.',
    total: (n: number) => count(n, 'case', 'cases'),
    mineTitle: 'My case',
    mineEmpty: 'There is no case of yours here.',
  },
  case: {
    title: (number: string) => `Case ${number}`,
    sections: {
      overview: 'Overview',
      measures: 'Measures',
      people: 'People',
      clocks: 'Clocks',
      entries: 'Entries',
    } as Record<'overview' | 'measures' | 'people' | 'clocks' | 'entries', string>,
    sectionNav: 'Sections of this case',
    whoseMove: 'Whose move',
    moveOf: (what: string, who: string) => `${what}: ${who}`,
    moveNobody: 'Nobody has to act now.',
    yourTurn: 'Your turn',
    openTask: 'Open my task',
    answerable: 'Answerable now',
    recorded: 'Your look at this case is recorded, and the patient sees it.',
    born: (year: string) => `born ${year}`,
    timeline: 'Timeline',
    facts: 'Facts',
    plan: 'Plan',
    planNumber: (n: number) => `Plan ${number(n)}`,
    noPlan: 'No plan yet.',
    goals: 'Goals',
    sessions: 'Sessions',
    sessionsDone: (done: number, of: number) => `${number(done)} of ${count(of, 'session', 'sessions')} held`,
    decisions: 'Decisions',
    noMeasures: 'Nothing has been measured yet. Results appear here after the assessment.',
    noClocks: 'No clock runs in this case.',
    noEntries: 'There are no entries for this case yet.',
    entriesLead: 'Each act is one signed entry. Its state is printed as it stands.',
    peopleLead: 'Everybody who has done something in this case, and what.',
    relation: 'Relation or duty',
    person: 'Person',
    since: 'Since',
    other: 'Other things you can do',
    clocksLead: 'Limits with their legal basis. Overdue never locks.',
    outcome: 'Outcome',
    round: (n: number) => `round ${number(n)}`,
    changedSince: (n: number) => `Changed since you last looked: ${number(n)}`,
    reasonsGiven: 'Reasons given',
  },

  board: {
    title: 'Board',
    open: 'Open cases',
    late: 'Late',
    dueSoon: 'Due in 3 days',
    unclaimed: 'Unclaimed tasks',
    decidedToday: 'Decided today',
    unanchored: 'Unanchored entries',
    oldest: (words: string) => `oldest ${words}`,
    stageByTime: 'Open tasks by stage and time left',
    stage: 'Stage',
    buckets: {
      late: 'late',
      day: '1 day',
      threeDays: '3 days',
      tenDays: '10 days',
      more: 'more',
      paused: 'paused',
    } as Record<'late' | 'day' | 'threeDays' | 'tenDays' | 'more' | 'paused', string>,
    perStage: 'Cases per stage',
    load: 'Open tasks per person',
    person: 'Person',
    tasks: 'Tasks',
    health: 'Health',
    database: 'Database',
    engine: 'Process engine',
    log: 'Log',
    chain: 'Chain',
    ok: 'working',
    down: 'not answering',
    catchingUp: 'catching up',
    peers: (up: number, of: number) => `${up} of ${of} peers`,
    workGoesOn: 'Work goes on; entries wait and catch up by themselves.',
    cases: (n: number) => count(n, 'case', 'cases'),
    outcomes: 'Outcomes',
    empty: 'No cases yet. Figures appear with the first application.',
  },

  people: {
    title: 'People',
    caption: 'People and their roles',
    name: 'Name',
    organisation: 'Organisation',
    roles: 'Roles',
    disciplines: 'Disciplines',
    since: 'Since',
    empty: 'There is nobody here yet.',
  },

  audit: {
    title: 'Audit',
    lead: 'Check that nothing was changed behind our back. Your looks are recorded.',
    run: 'Verify now',
    running: 'Verification runs. Large logs take a while.',
    last: (time: string) => `Last run ${time}`,
    never: 'Not run yet.',
    sound: 'Sound',
    tampered: 'Tampered',
    unreadable: 'Could not read everything',
    soundText: (size: number) =>
      `All ${count(size, 'entry', 'entries')} agree with the rows, the log and the chain.`,
    tamperedText: (n: number) => `${count(n, 'finding', 'findings')}. Each names the place.`,
    unreadableText: 'Something could not be read, so we cannot say that all is sound.',
    findings: 'Findings',
    noFindings: 'No findings.',
    store: 'Store',
    stores: {
      postgres: 'Database',
      log: 'Log',
      chain: 'Chain',
      history: 'Process history',
      evidence: 'Evidence file',
    } as Record<string, string>,
    table: 'Table',
    row: 'Row',
    column: 'Column',
    kind: 'What happened',
    kinds: {
      edited: 'edited',
      deleted: 'deleted',
      inserted: 'inserted',
      reordered: 'reordered',
      truncated: 'cut off',
      missing: 'missing',
      'key-missing': 'key missing',
    } as Record<string, string>,
    rightAt: 'Right at',
    wrongAt: 'Wrong at',
    counts: 'What was counted',
    entries: 'Entries',
    leaves: 'Leaves',
    anchored: (organisation: string) => `Anchored, ${organisation}`,
    pending: 'Pending',
    size: 'Log size',
    seconds: (n: string) => `${n} s`,
    took: 'Took',
    where: 'Where',
    search: 'Search entries',
    event: 'Act',
    latest: 'Latest entries',
  },

  settings: {
    title: 'Settings',
    theme: 'Appearance',
    themes: { system: 'As the device', light: 'Light', dark: 'Dark' } as Record<
      'system' | 'light' | 'dark',
      string
    >,
    language: 'Language',
    density: 'Row height in lists',
    densities: { comfortable: 'Comfortable', compact: 'Compact' } as Record<
      'comfortable' | 'compact',
      string
    >,
    keys: 'Keyboard shortcuts',
    keysOn: 'On',
    keysOff: 'Off',
    keysHint: 'Single keys such as J and K. Turn them off if you use speech control.',
    save: 'Save settings',
    saved: 'Your settings are saved.',
    passkeys: 'Passkeys',
    addPasskey: 'Add a passkey',
    passkeyHint: 'Signs you in on this device without a password.',
    role: 'Act as',
    useRole: 'Use this role',
  },

  help: {
    title: 'Help and contact',
    lead: 'Help is at the same place on every page.',
    contact: 'Ask your organisation’s administrator. Tell them the request number if a page shows one.',
    keysTitle: 'Keyboard shortcuts',
    keysOff: 'You can switch them off in the settings.',
    keys: {
      lists: 'Lists',
      next: 'Next and previous row',
      open: 'Open the row',
      select: 'Select the row',
      clear: 'Clear the selection',
      claim: 'Claim',
      handBack: 'Hand back',
      takeNext: 'Take the next task',
      decision: 'Decision',
      toEvidence: 'Go to the evidence',
      toDecision: 'Go to the decision',
      choices: 'Choose approve, refuse, ask for papers',
      send: 'Send the decision',
      everywhere: 'Everywhere',
      search: 'Search',
      sheet: 'This list',
      go: 'Go to queue, board, day, cases',
    },
    proofTitle: 'What the marks on entries mean',
    accessibilityTitle: 'Accessibility statement',
    accessibility:
      'We build to WCAG 2.2 level AA. Every page works by keyboard, with a screen reader and without script. Tell us where it does not.',
  },
};
