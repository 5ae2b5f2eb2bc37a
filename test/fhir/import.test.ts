// Tests of the rules that choose a reason, on small invented records: one fact changed at a time.
import { describe, expect, it, test } from 'vitest';
import { BASES, CAUSES, QUESTIONS } from '../../fhir/questions.ts';
import {
  bundle,
  condition,
  draftOf,
  type Json,
  patient,
  plan,
  refusalOf,
  request,
  snomed,
  withStatus,
} from './support.ts';

const STROKE = '230690007';
const COPD = '13645005';
const KNEE = '239873007';
const INFARCTION = '22298006';
const HIP_FRACTURE = '359817006';
const PREDIABETES = '15777000';
const MIGRAINE = '124171000119105';
const HEAD_REHABILITATION = '47387005';
const REHABILITATION = '52052004';
const EXERCISE = '229065009';
const DIABETES_PLAN = '698360004';
const DRUG_REHABILITATION = '56876005';

const reasonOf = (...resources: Json[]) => {
  const { reason } = draftOf(bundle(patient(), ...resources));
  return reason === null ? null : `${reason.text} – ${reason.basis}`;
};
const causeOf = (...resources: Json[]) =>
  draftOf(bundle(patient(), ...resources)).setAside.map(({ text, why }) => `${text} – ${why}`);
const questionsOf = (...resources: Json[]) => draftOf(bundle(...resources)).questions.map(({ code }) => code);

describe('the reason', () => {
  test.each<[string, Json[], string | null]>([
    ['a stroke, without any order', [condition('c', STROKE)], 'condition c – calls-for-it'],
    [
      'lung disease with a rehabilitation order',
      [condition('c', COPD), plan('p', REHABILITATION, ['c'])],
      'condition c – rehabilitation-ordered',
    ],
    ['lung disease without an order', [condition('c', COPD)], null],
    [
      'an arthritic knee with exercise therapy ordered',
      [condition('c', KNEE), plan('p', EXERCISE, ['c'])],
      'condition c – therapy-ordered',
    ],
    [
      'an unlisted condition with rehabilitation ordered by name',
      [condition('c', MIGRAINE), plan('p', REHABILITATION, ['c'])],
      'condition c – rehabilitation-ordered',
    ],
    [
      'an unlisted condition with exercise ordered',
      [condition('c', MIGRAINE), plan('p', EXERCISE, ['c'])],
      null,
    ],
    [
      'prediabetes, whatever is ordered',
      [condition('c', PREDIABETES), plan('p', REHABILITATION, ['c'])],
      null,
    ],
    [
      'a diabetes plan with exercise in it',
      [
        condition('c', KNEE),
        plan('p', DIABETES_PLAN, ['c'], {
          activity: [{ detail: { code: snomed(EXERCISE), status: 'in-progress' } }],
        }),
      ],
      null,
    ],
    ['drug rehabilitation', [condition('c', '55680006'), plan('p', DRUG_REHABILITATION, ['c'])], null],
    [
      'rehabilitation as an activity of a wider plan',
      [
        condition('c', COPD),
        plan('p', '412776001', ['c'], {
          activity: [{ detail: { code: snomed(REHABILITATION), status: 'in-progress' } }],
        }),
      ],
      'condition c – rehabilitation-ordered',
    ],
    [
      'rehabilitation as an activity that is over',
      [
        condition('c', COPD),
        plan('p', '412776001', ['c'], {
          activity: [{ detail: { code: snomed(REHABILITATION), status: 'completed' } }],
        }),
      ],
      null,
    ],
    [
      'an infarction this year',
      [condition('c', INFARCTION, { onsetDateTime: '2025-12-01' })],
      'condition c – calls-for-it',
    ],
    [
      'an infarction more than a year ago',
      [condition('c', INFARCTION, { onsetDateTime: '2025-11-22' })],
      null,
    ],
    ['an infarction without a date', [condition('c', INFARCTION, { onsetDateTime: undefined })], null],
    [
      'an old infarction with rehabilitation ordered',
      [condition('c', INFARCTION, { onsetDateTime: '2010-01-01' }), plan('p', REHABILITATION, ['c'])],
      'condition c – rehabilitation-ordered',
    ],
    ['a fresh hip fracture', [condition('c', HIP_FRACTURE)], 'condition c – calls-for-it'],
    [
      'a resolved hip fracture',
      [condition('c', HIP_FRACTURE, { clinicalStatus: withStatus('resolved') })],
      null,
    ],
    [
      'a resolved fracture with an order still open',
      [
        condition('c', HIP_FRACTURE, { clinicalStatus: withStatus('resolved') }),
        plan('p', REHABILITATION, ['c']),
      ],
      null,
    ],
    [
      'an active fracture that has an end date',
      [condition('c', HIP_FRACTURE, { abatementDateTime: '2026-10-01' })],
      null,
    ],
    [
      'a relapse',
      [condition('c', STROKE, { clinicalStatus: withStatus('relapse') })],
      'condition c – calls-for-it',
    ],
    ['a stroke in remission', [condition('c', STROKE, { clinicalStatus: withStatus('remission') })], null],
    ['a refuted stroke', [condition('c', STROKE, { verificationStatus: withStatus('refuted') })], null],
    ['a suspected stroke', [condition('c', STROKE, { verificationStatus: withStatus('provisional') })], null],
    [
      'a completed plan',
      [condition('c', COPD), plan('p', REHABILITATION, ['c'], { status: 'completed' })],
      null,
    ],
    ['a plan on hold', [condition('c', COPD), plan('p', REHABILITATION, ['c'], { status: 'on-hold' })], null],
    [
      'a plan that ended',
      [
        condition('c', COPD),
        plan('p', REHABILITATION, ['c'], { period: { start: '2020-01-01', end: '2020-06-01' } }),
      ],
      null,
    ],
    [
      'a plan that only plans',
      [condition('c', COPD), plan('p', REHABILITATION, ['c'], { intent: 'plan' })],
      null,
    ],
    [
      'a request',
      [
        condition('c', COPD),
        request('r', REHABILITATION, { reasonReference: [{ reference: 'Condition/c' }] }),
      ],
      'condition c – rehabilitation-ordered',
    ],
    [
      "a referrer's proposal",
      [
        condition('c', COPD),
        request('r', REHABILITATION, { intent: 'proposal', reasonReference: [{ reference: 'Condition/c' }] }),
      ],
      'condition c – rehabilitation-ordered',
    ],
    [
      'a request that is revoked',
      [
        condition('c', COPD),
        request('r', REHABILITATION, { status: 'revoked', reasonReference: [{ reference: 'Condition/c' }] }),
      ],
      null,
    ],
    [
      'a request that says its reason itself',
      [request('r', REHABILITATION, { reasonCode: [snomed(COPD, 'lungs')] })],
      'lungs – rehabilitation-ordered',
    ],
    [
      'a request that names the code of a present condition',
      [condition('c', COPD), request('r', REHABILITATION, { reasonCode: [snomed(COPD, 'lungs')] })],
      'condition c – rehabilitation-ordered',
    ],
    [
      'a request that names the code of a resolved condition',
      [
        condition('c', HIP_FRACTURE, { clinicalStatus: withStatus('resolved') }),
        request('r', REHABILITATION, { reasonCode: [snomed(HIP_FRACTURE, 'hip')] }),
      ],
      null,
    ],
    [
      'a request for drug rehabilitation',
      [request('r', DRUG_REHABILITATION, { reasonCode: [snomed(COPD, 'lungs')] })],
      null,
    ],
    ['a request without a reason', [request('r', REHABILITATION)], null],
    [
      'the reason of a visit, with no condition beside it',
      [
        {
          resourceType: 'Encounter',
          id: 'e',
          status: 'finished',
          subject: { reference: 'Patient/p1' },
          period: { start: '2026-10-01' },
          reasonCode: [snomed(STROKE, 'after stroke')],
        },
      ],
      'after stroke – reason-of-visit',
    ],
    [
      'the reason of a visit, whose condition is resolved',
      [
        condition('c', STROKE, { clinicalStatus: withStatus('resolved') }),
        {
          resourceType: 'Encounter',
          id: 'e',
          status: 'finished',
          subject: { reference: 'Patient/p1' },
          reasonCode: [snomed(STROKE, 'after stroke')],
        },
      ],
      null,
    ],
    [
      'a German code of the whole category',
      [
        condition('c', 'x', {
          code: {
            coding: [{ system: 'http://fhir.de/CodeSystem/bfarm/icd-10-gm', code: 'I63.4' }],
            text: 'Hirninfarkt',
          },
        }),
      ],
      'Hirninfarkt – calls-for-it',
    ],
    [
      'the right code in an unknown system',
      [
        condition('c', STROKE, {
          code: { coding: [{ system: 'http://example.org/own', code: STROKE }], text: 'Stroke' },
        }),
      ],
      null,
    ],
    [
      'words without a code',
      [condition('c', STROKE, { code: { text: 'Stroke, needs rehabilitation' } })],
      null,
    ],
    ['nothing', [], null],
  ])('for %s', (_, resources, expected) => {
    expect(reasonOf(...resources)).toBe(expected);
  });

  it('is the strongest ground, then the newest, and the others can be chosen', () => {
    const { reason, alternatives, questions } = draftOf(
      bundle(
        patient(),
        condition('knee', KNEE),
        condition('old stroke', STROKE, { onsetDateTime: '2024-01-01' }),
        condition('new stroke', '422504002', { onsetDateTime: '2026-02-01' }),
        condition('head', '62564004', { onsetDateTime: '2020-01-01' }),
        plan('p', EXERCISE, ['knee']),
        plan('q', HEAD_REHABILITATION, ['head']),
      ),
    );
    expect([reason, ...alternatives].map((one) => one?.text)).toEqual([
      'condition head',
      'condition new stroke',
      'condition old stroke',
      'condition knee',
    ]);
    expect(questions.find(({ code }) => code === 'choose-reason')?.about).toHaveLength(3);
  });

  it('does not depend on the order of entries', () => {
    const resources = [
      condition('knee', KNEE),
      condition('stroke', STROKE),
      condition('lung', COPD),
      condition('sugar', PREDIABETES),
      plan('p', EXERCISE, ['knee']),
      plan('q', DIABETES_PLAN, ['sugar']),
      request('r', REHABILITATION, { reasonReference: [{ reference: 'Condition/lung' }] }),
    ];
    const forwards = draftOf(bundle(patient(), ...resources));
    const backwards = draftOf(bundle(...resources.reverse(), patient()));
    expect(backwards.reason?.text).toBe(forwards.reason?.text);
    expect(backwards.alternatives.map((one) => one.text)).toEqual(
      forwards.alternatives.map((one) => one.text),
    );
    expect(backwards.duplicateKey).toBe(forwards.duplicateKey);
  });

  it('brings the goals of its own plan only', () => {
    const goal = (id: string, text: string, over: Json = {}): Json => ({
      resourceType: 'Goal',
      id,
      lifecycleStatus: 'active',
      description: { text },
      subject: { reference: 'Patient/p1' },
      ...over,
    });
    const { goals } = draftOf(
      bundle(
        patient(),
        condition('c', COPD),
        condition('d', PREDIABETES),
        goal('walk', 'Walk to the shop'),
        goal('done', 'Stand', { lifecycleStatus: 'completed' }),
        goal('sugar', 'HbA1c below 7 %'),
        plan('p', REHABILITATION, ['c'], { goal: [{ reference: 'Goal/walk' }, { reference: 'Goal/done' }] }),
        plan('q', DIABETES_PLAN, ['d'], { goal: [{ reference: 'Goal/sugar' }] }),
      ),
    );
    expect(goals).toEqual(['Walk to the shop']);
  });
});

describe('several orders for one condition', () => {
  it('are all taken as used, the strongest named', () => {
    const { reason, setAside } = draftOf(
      bundle(
        patient(),
        condition('c', COPD),
        plan('p', EXERCISE, ['c']),
        plan('q', REHABILITATION, ['c']),
        request('r', REHABILITATION, { reasonCode: [snomed(COPD, 'lungs')] }),
      ),
    );
    expect(reason).toMatchObject({ basis: 'rehabilitation-ordered', order: { text: 'plan q' } });
    expect(setAside).toEqual([]);
  });
});

describe('what is set aside', () => {
  test.each<[string, Json[], string]>([
    [
      'resolved',
      [condition('c', STROKE, { clinicalStatus: withStatus('resolved') })],
      'condition c – finished',
    ],
    [
      'in error',
      [condition('c', STROKE, { verificationStatus: withStatus('entered-in-error') })],
      'condition c – in-error',
    ],
    [
      'not confirmed',
      [condition('c', STROKE, { verificationStatus: withStatus('differential') })],
      'condition c – not-confirmed',
    ],
    ['past', [condition('c', '399211009')], 'condition c – past'],
    [
      'listed as past too',
      [condition('c', INFARCTION), condition('h', '399211009')],
      'condition c – listed-as-past',
    ],
    ['too long ago', [condition('c', INFARCTION, { onsetDateTime: '2001' })], 'condition c – too-long-ago'],
    ['without an order', [condition('c', COPD)], 'condition c – needs-order'],
    ['no reason', [condition('c', MIGRAINE)], 'condition c – not-a-reason'],
    ['without code or words', [condition('c', STROKE, { code: undefined })], ' – without-meaning'],
    ['about nobody', [condition('c', STROKE, { subject: undefined })], 'condition c – subject-unknown'],
    [
      'about somebody not here',
      [condition('c', STROKE, { subject: { reference: 'Patient/other' } })],
      'condition c – subject-unknown',
    ],
    [
      'about something else',
      [condition('d', MIGRAINE), condition('c', STROKE, { subject: { reference: 'Condition/d' } })],
      'condition c – someone-else',
    ],
    ['a plan for another purpose', [plan('p', DIABETES_PLAN, [])], 'plan p – other-purpose'],
    ['a plan of unknown purpose', [plan('p', '412776001', [])], 'plan p – orders-nothing-known'],
    ['a mere plan', [plan('p', REHABILITATION, [], { intent: 'option' })], 'plan p – not-an-order'],
    ['an order for nothing present', [plan('p', REHABILITATION, [])], 'plan p – nothing-current'],
    ['a finished plan', [plan('p', REHABILITATION, [], { status: 'revoked' })], 'plan p – finished'],
    [
      'a visit for drug rehabilitation',
      [
        {
          resourceType: 'Encounter',
          id: 'e',
          status: 'finished',
          type: [snomed(DRUG_REHABILITATION, 'drug rehabilitation')],
          subject: { reference: 'Patient/p1' },
        },
      ],
      'drug rehabilitation – other-purpose',
    ],
  ])('says when it is %s', (_, resources, expected) => {
    expect(causeOf(...resources)).toContain(expected);
  });

  it('loses no condition, and counts the same one twice only once', () => {
    const resources = [
      condition('a', STROKE),
      condition('b', COPD),
      condition('c', MIGRAINE),
      condition('d', KNEE, { clinicalStatus: withStatus('resolved') }),
    ];
    const again = { ...condition('a', STROKE), id: 'a2' };
    const { reason, setAside } = draftOf(bundle(patient(), ...resources, again));
    expect([reason?.text, ...setAside.map((one) => one.text)].sort()).toEqual([
      'condition a',
      'condition b',
      'condition c',
      'condition d',
    ]);
  });
});

describe('what a doctor must weigh', () => {
  it('is named whatever its status, and asked about', () => {
    const draft = draftOf(
      bundle(
        patient(),
        condition('c', '410429000', { clinicalStatus: withStatus('resolved') }),
        {
          resourceType: 'Procedure',
          id: 'd',
          status: 'completed',
          code: snomed('447365002', 'defibrillator'),
          subject: { reference: 'Patient/p1' },
        },
        {
          resourceType: 'AllergyIntolerance',
          id: 'e',
          code: { text: 'Latex' },
          patient: { reference: 'Patient/p1' },
        },
        {
          resourceType: 'AllergyIntolerance',
          id: 'f',
          code: { text: 'Nuts' },
          patient: { reference: 'Patient/p1' },
          clinicalStatus: withStatus('resolved'),
        },
      ),
    );
    expect(draft.attention.map(({ id, text }) => `${id} ${text}`)).toEqual([
      'cardiac-arrest condition c',
      'implanted-defibrillator defibrillator',
      'allergy Latex',
    ]);
    expect(draft.questions.map(({ code }) => code)).toContain('exercise-clearance');
  });

  it('is not what was refuted, or planned only', () => {
    const draft = draftOf(
      bundle(patient(), condition('c', '410429000', { verificationStatus: withStatus('refuted') }), {
        resourceType: 'Procedure',
        id: 'd',
        status: 'preparation',
        code: snomed('447365002'),
        subject: { reference: 'Patient/p1' },
      }),
    );
    expect(draft.attention).toEqual([]);
  });
});

describe('what is asked', () => {
  const complete = [
    condition('c', STROKE),
    {
      resourceType: 'Goal',
      id: 'g',
      lifecycleStatus: 'active',
      description: { text: 'Walk' },
      subject: { reference: 'Patient/p1' },
    },
    plan('p', REHABILITATION, ['c'], { goal: [{ reference: 'Goal/g' }] }),
    {
      resourceType: 'QuestionnaireResponse',
      status: 'completed',
      item: [1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => ({ linkId: `PHQ-9.${n}`, answer: [{ valueInteger: 0 }] })),
    },
  ];

  it('is nothing when the record says it all', () => {
    expect(questionsOf(patient(), ...complete)).toEqual([]);
  });

  test.each<[string, Json[], string]>([
    ['a name', [patient({ name: undefined }), ...complete], 'name'],
    [
      'a name again, when it is empty',
      [patient({ name: [{ family: ' ', given: [''] }] }), ...complete],
      'name',
    ],
    ['a birth date', [patient({ birthDate: undefined }), ...complete], 'birth-date'],
    ['the day of birth', [patient({ birthDate: '1960-05' }), ...complete], 'birth-date'],
    ['the reason', [patient()], 'reason'],
    ['what the person can do', [patient(), condition('c', STROKE)], 'function'],
    ['goals', [patient(), condition('c', STROKE)], 'goals'],
    [
      'the diagnosis',
      [
        patient(),
        {
          resourceType: 'Encounter',
          id: 'e',
          subject: { reference: 'Patient/p1' },
          reasonCode: [snomed(STROKE)],
        },
      ],
      'diagnosis',
    ],
    [
      'whether an old reason is current',
      [patient(), condition('c', STROKE, { onsetDateTime: '2016-11' })],
      'still-current',
    ],
    [
      'whether a reason without status is current',
      [patient(), condition('c', STROKE, { clinicalStatus: undefined })],
      'still-current',
    ],
    [
      'what changed since earlier rehabilitation',
      [
        patient(),
        {
          resourceType: 'Procedure',
          id: 'd',
          status: 'completed',
          code: snomed(REHABILITATION),
          subject: { reference: 'Patient/p1' },
        },
      ],
      'earlier-rehabilitation',
    ],
    ['a newer record', [patient(), condition('c', STROKE, { onsetDateTime: '2026-08-24' })], 'newer-record'],
    [
      'about a beginning in the future',
      [patient(), condition('c', STROKE, { onsetDateTime: '2026-12-24' })],
      'dates',
    ],
    [
      'about an end before the beginning',
      [patient(), condition('c', STROKE, { abatementDateTime: '2026-08-01' })],
      'dates',
    ],
    [
      'about a beginning before birth',
      [patient(), condition('c', STROKE, { onsetDateTime: '1950' })],
      'dates',
    ],
    ['about a birth in the future', [patient({ birthDate: '2027-01-01' })], 'dates'],
    ['about a plan for what is not there', [patient(), plan('p', REHABILITATION, ['gone'])], 'references'],
    [
      'about a subject that is not there',
      [patient(), condition('c', STROKE, { subject: { reference: 'Patient/gone' } })],
      'references',
    ],
  ])('%s', (_, resources, expected) => {
    expect(questionsOf(...resources)).toContain(expected);
  });

  it('never contains an answer: what the record lacks stays empty', () => {
    const draft = draftOf(bundle({ resourceType: 'Patient' }));
    expect(draft.patient).toEqual({
      name: null,
      otherNames: [],
      birthDate: null,
      sex: 'unknown',
      language: null,
    });
    expect(draft.reason).toBeNull();
    expect([draft.goals, draft.setAside, draft.background, draft.attention]).toEqual([[], [], [], []]);
  });

  it('has its words in both languages, the causes and grounds too', () => {
    for (const { en, 'zh-Hans': zh } of [
      ...Object.values(QUESTIONS),
      ...Object.values(CAUSES),
      ...Object.values(BASES),
    ]) {
      expect(en).toMatch(/^[A-Za-z]/);
      expect(zh).toMatch(/\p{Script=Han}/u);
    }
  });
});

describe('the patient', () => {
  const factsOf = (over: Json) => draftOf(bundle(patient(over))).patient;

  it.each<[string, Json[], string, string[]]>([
    [
      'the official one first',
      [
        { use: 'maiden', family: 'Alt' },
        { use: 'official', family: 'Neu', given: ['Anna', 'Maria'] },
      ],
      'Anna Maria Neu',
      ['Alt'],
    ],
    ['a text as it is', [{ text: 'Dr. A. van der Berg' }], 'Dr. A. van der Berg', []],
    ['Chinese without a space, family first', [{ family: '欧阳', given: ['小明'] }], '欧阳小明', []],
    ['Arabic as it is', [{ family: 'الحسن', given: ['ليلى'] }], 'ليلى الحسن', []],
    ['an apostrophe', [{ family: "O'Hara", given: ['Cary'] }], "Cary O'Hara", []],
    [
      'markup, which is text and nothing else',
      [{ family: '<script>alert(1)</script>' }],
      '<script>alert(1)</script>',
      [],
    ],
    ['white space in one space', [{ family: ' Muster\n\tmann ', given: [' Max '] }], 'Max Muster mann', []],
    ['one of the same twice', [{ family: 'Eins' }, { family: 'Eins' }], 'Eins', []],
  ])('is called by %s', (_, name, first, others) => {
    expect(factsOf({ name })).toMatchObject({ name: first, otherNames: others });
  });

  it('speaks the preferred language, if that is one', () => {
    const speaks = (code: string, preferred?: boolean) => ({
      language: { coding: [{ code }] },
      ...(preferred && { preferred }),
    });
    expect(factsOf({ communication: [speaks('en'), speaks('zh-Hans', true)] }).language).toBe('zh-Hans');
    expect(factsOf({ communication: [speaks('<b>')] }).language).toBeNull();
  });

  it('is one, alive, and may stand twice in the file', () => {
    expect(refusalOf(bundle(condition('c', STROKE))).faults[0]?.code).toBe('no-patient');
    expect(refusalOf(bundle(patient(), patient({ id: 'p2' }))).faults[0]).toMatchObject({
      code: 'several-patients',
      path: 'Bundle.entry[1].resource',
    });
    expect(refusalOf(bundle(patient({ deceasedBoolean: true }))).faults[0]?.code).toBe('patient-deceased');
    expect(refusalOf(bundle(patient({ deceasedDateTime: '2020' }))).faults[0]?.code).toBe('patient-deceased');
    expect(draftOf(bundle(patient(), patient(), condition('c', STROKE))).reason).not.toBeNull();
    expect(draftOf(bundle(patient({ deceasedBoolean: false }))).patient.name).toBe('Erika Musterfrau');
  });
});

describe('a reference', () => {
  const record = (fullUrl: string, subject: string) => ({
    resourceType: 'Bundle',
    type: 'transaction',
    entry: [
      { fullUrl, resource: patient() },
      { fullUrl: 'urn:uuid:c', resource: condition('c', STROKE, { subject: { reference: subject } }) },
    ],
  });
  it.each([
    ['urn:uuid:p', 'urn:uuid:p', true],
    ['https://example.org/fhir/Patient/p1', 'https://example.org/fhir/Patient/p1', true],
    ['https://example.org/fhir/Patient/p1', 'Patient/p1', true],
    ['https://example.org/fhir/Patient/p1', 'Patient/p1/_history/3', true],
    ['urn:uuid:p', 'urn:uuid:q', false],
    ['urn:uuid:p', 'https://example.org/fhir/Patient/p1', false],
    ['urn:uuid:p', '#p1', false],
    ['urn:uuid:p', '', false],
  ])('to %s as %s is found: %s', (fullUrl, subject, isFound) => {
    expect(draftOf(record(fullUrl, subject)).reason !== null).toBe(isFound);
  });
});

describe('the duplicate key', () => {
  const one = bundle(patient({ identifier: [{ system: 's', value: '1' }] }), condition('c', STROKE));
  const keyOf = (value: object | string) => draftOf(value).duplicateKey;

  it('is the same for the same record, laid out otherwise', () => {
    expect(keyOf(JSON.stringify(one, null, 4))).toBe(keyOf(one));
    expect(keyOf({ entry: one.entry, type: 'searchset', resourceType: 'Bundle', id: 'x' })).toBe(keyOf(one));
    const exported = structuredClone(one) as { entry: { resource: Json }[] };
    for (const entry of exported.entry) entry.resource.meta = { lastUpdated: '2026-11-23T10:00:00Z' };
    expect(keyOf(exported)).toBe(keyOf(one));
  });

  it('is another for another patient or another content', () => {
    expect(
      keyOf(bundle(patient({ identifier: [{ system: 's', value: '2' }] }), condition('c', STROKE))),
    ).not.toBe(keyOf(one));
    expect(
      keyOf(bundle(patient({ identifier: [{ system: 's', value: '1' }] }), condition('c', COPD))),
    ).not.toBe(keyOf(one));
  });
});
