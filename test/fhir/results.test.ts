// Tests of published answers read as results: what fits is scored by our rules, what does not becomes a finding.
import { readFileSync } from 'node:fs';
import { describe, expect, it, test } from 'vitest';
import { FINDINGS, type ImportedResult, readAssessmentResults } from '../../fhir/results.ts';
import { hasSharedData, sharedData } from '../support/shared-data.ts';
import type { Json } from './support.ts';

const read = (value: object) => readAssessmentResults(JSON.stringify(value));
const one = (value: object): ImportedResult => {
  const answer = read(value);
  if (answer.kind === 'refused') throw new Error(answer.faults[0]?.message);
  expect(answer.results).toHaveLength(1);
  return answer.results[0]!;
};
const codes = ({ findings }: ImportedResult) => findings.map(({ code }) => code);
const response = (item: Json[], over: Json = {}) => ({
  resourceType: 'QuestionnaireResponse',
  status: 'completed',
  item,
  ...over,
});
const phq = (values: (number | string | null)[], linkId = (n: number) => `PHQ-9.${n}`): Json[] =>
  values.map((value, at) => ({
    linkId: linkId(at + 1),
    ...(value !== null && {
      answer: [
        typeof value === 'number'
          ? { valueInteger: value }
          : { valueCoding: { system: 'http://loinc.org', code: value } },
      ],
    }),
  }));
const NINE = [1, 1, 1, 1, 1, 1, 1, 1, 0];

describe.skipIf(!hasSharedData)('published examples', () => {
  const file = (...path: string[]) => JSON.parse(readFileSync(sharedData(...path), 'utf8'));

  it('Barthel from Taiwan: the answers add up to 45, the stated 100 is flagged', () => {
    const result = one(file('rehab-ig-taiwan', 'QuestionnaireResponse-BarthelIndexExample.json'));
    expect(result).toMatchObject({
      instrument: 'barthel-index',
      answers: {
        feeding: 5,
        grooming: 0,
        toilet: 5,
        bathing: 0,
        dressing: 5,
        bowels: 0,
        bladder: 5,
        mobility: 5,
        stairs: 5,
        transfer: 15,
      },
      score: { ok: true, total: 45, complete: true },
      statedTotal: 100,
      attachable: true,
      at: '2025-10-11T14:30:00+08:00',
      subject: 'Patient/stroke-patient-001',
    });
    expect(result.findings).toEqual([
      { code: 'total-differs', text: FINDINGS['total-differs'], stated: 100, computed: 45 },
    ]);
  });

  it('PHQ-9 from Germany: other link ids, 27 as stated, and the alert', () => {
    const result = one(file('mii-pro-phq9', 'QuestionnaireResponse-mii-exa-pro-phq-9-response.json'));
    expect(result).toMatchObject({
      instrument: 'phq-9',
      score: {
        ok: true,
        total: 27,
        bands: ['severe'],
        alerts: [{ code: 'thoughts-of-self-harm', level: 'immediate' }],
      },
      statedTotal: 27,
      attachable: true,
    });
    expect(codes(result)).toEqual(['other-link-ids', 'no-code-system']);
    expect(result.answers).toEqual({ 1: 3, 2: 3, 3: 3, 4: 3, 5: 3, 6: 3, 7: 3, 8: 3, 9: 3, 10: 3 });
  });

  it('PHQ-9 score alone: named as unchecked, with the wrong code, and not attached', () => {
    const result = one(file('mii-pro-phq9', 'Observation-mii-exa-pro-phq-9-observation.json'));
    expect(result).toMatchObject({ instrument: 'phq-9', answers: {}, statedTotal: 27, attachable: false });
    expect(codes(result)).toEqual(['total-without-answers', 'panel-code-for-total']);
  });

  it('the answer codes of the published Barthel form mean what it says they are worth', () => {
    const form = file('rehab-ig-taiwan', 'Questionnaire-BarthelQuestionnaireInstance.json');
    for (const { linkId, answerOption = [] } of form.item) {
      for (const option of answerOption) {
        const result = readAssessmentResults(
          JSON.stringify(
            response(
              form.item
                .slice(0, 10)
                .map((item: { linkId: string; answerOption: { valueCoding: { code: string } }[] }) => ({
                  linkId: item.linkId,
                  answer: [
                    {
                      valueCoding: {
                        code:
                          item.linkId === linkId
                            ? option.valueCoding.code
                            : item.answerOption[0]!.valueCoding.code,
                      },
                    },
                  ],
                })),
            ),
          ),
        );
        if (result.kind === 'refused') throw new Error('refused');
        const lost = 100 - (result.results[0]!.score as { total: number }).total;
        type Option = {
          extension?: { valueInteger: number }[];
          valueCoding: { extension?: { valueInteger: number }[] };
        };
        const worth = (option: Option) =>
          (option.extension ?? option.valueCoding.extension)![0]!.valueInteger;
        expect(lost).toBe(worth(answerOption[0]) - worth(option));
      }
    }
  });

  it('the answer codes of the published PHQ-9 list mean what it says they are worth', () => {
    const list = file('mii-pro-phq9', 'ValueSet-mii-vs-pro-phq-9-answer-list-ll358-3.json');
    for (const { code, extension } of list.compose.include[0].concept) {
      expect(one(response(phq([code, ...NINE.slice(1)]))).answers['1']).toBe(extension[0].valueDecimal);
    }
  });
});

describe('a response', () => {
  it('is read by link ids, LOINC codes, answer codes and numbers alike', () => {
    const loinc = [
      '44250-9',
      '44255-8',
      '44259-0',
      '44254-1',
      '44251-7',
      '44258-2',
      '44252-5',
      '44253-3',
      '44260-8',
    ];
    const expected = {
      answers: { 1: 1, 2: 1, 3: 1, 4: 1, 5: 1, 6: 1, 7: 1, 8: 1, 9: 0 },
      score: { total: 8 },
      findings: [],
    };
    expect(one(response(phq(NINE)))).toMatchObject(expected);
    expect(one(response(phq(NINE, (n) => loinc[n - 1]!)))).toMatchObject(expected);
    expect(one(response(phq(NINE, (n) => `/${loinc[n - 1]}`)))).toMatchObject(expected);
    expect(one(response([{ linkId: 'group', item: phq(NINE) }]))).toMatchObject(expected);
    expect(
      one({ resourceType: 'Bundle', type: 'collection', entry: [{ resource: response(phq(NINE)) }] }),
    ).toMatchObject(expected);
  });

  test.each<[string, object, string, Json]>([
    [
      'another total',
      response([...phq(NINE), { linkId: 'PHQ-9.Score', answer: [{ valueInteger: 9 }] }]),
      'total-differs',
      { attachable: true, statedTotal: 9 },
    ],
    [
      'a total that cannot be computed',
      response([...phq([1, 1, 1, 1, 1, 1]), { linkId: 'PHQ-9.Score', answer: [{ valueInteger: 9 }] }]),
      'total-not-computable',
      { statedTotal: 9 },
    ],
    [
      'a strange question',
      response([...phq(NINE), { linkId: 'shoe-size', answer: [{ valueInteger: 42 }] }]),
      'unknown-question',
      { attachable: true },
    ],
    [
      'an answer out of range',
      response(phq([7, ...NINE.slice(1)])),
      'unknown-answer',
      { score: { missing: ['1'] } },
    ],
    [
      'an answer code of another form',
      response(phq(['LA6574-3', ...NINE.slice(1)])),
      'unknown-answer',
      { score: { missing: ['1'] } },
    ],
    [
      'two answers to one question',
      response([...phq(NINE), ...phq([3])]),
      'answered-twice',
      { score: { missing: ['1'] } },
    ],
    [
      'a form still being filled in',
      response(phq(NINE), { status: 'in-progress' }),
      'not-finished',
      { attachable: false },
    ],
    ['other link ids', response(phq(NINE, (n) => `phq9_${n}`)), 'other-link-ids', { attachable: true }],
  ])('with %s is flagged', (_, value, finding, shape) => {
    const result = one(value);
    expect(codes(result)).toContain(finding);
    expect(result).toMatchObject(shape);
  });

  it('never loses an alert: an unreadable answer to item 9 is asked about', () => {
    const result = one(response(phq([...NINE.slice(0, 8), 9])));
    expect(result.score.alerts).toMatchObject([{ code: 'self-harm-not-answered' }]);
    expect(one(response(phq([...NINE.slice(0, 8), 1]))).score.alerts).toMatchObject([{ level: 'immediate' }]);
  });

  it('does not let a number outvote a code that is wrong', () => {
    const item = phq(NINE);
    item[0] = {
      linkId: 'PHQ-9.1',
      answer: [{ valueCoding: { system: 'http://example.org', code: 'LA6568-5' }, valueInteger: 0 }],
    };
    expect(codes(one(response(item)))).toContain('unknown-answer');
  });

  it.each([
    ['nothing', response([])],
    ['four of nine questions', response(phq([1, 1, 1, 1]))],
    ['another form', response([{ linkId: 'left-shoulder', answer: [{ valueCoding: { code: '1+' } }] }])],
    [
      'reserved names',
      response(
        ['__proto__', 'constructor', 'toString'].map((linkId) => ({ linkId, answer: [{ valueInteger: 1 }] })),
      ),
    ],
    ['an entry in error', response(phq(NINE), { status: 'entered-in-error' })],
    ['no response', { resourceType: 'Patient', id: 'x' }],
    ['an empty bundle', { resourceType: 'Bundle', type: 'collection' }],
  ])('that holds %s is answered plainly', (_, value) => {
    expect(read(value)).toMatchObject({ kind: 'refused', faults: [{ code: 'no-results' }] });
  });

  it.each<[string, object, string]>([
    ['items that are no list', response('x' as never), 'QuestionnaireResponse.item'],
    ['a link id that is a number', response([{ linkId: 5 }]), 'QuestionnaireResponse.item[0].linkId'],
    [
      'an answer that is a list',
      response([{ linkId: 'a', answer: [[]] }]),
      'QuestionnaireResponse.item[0].answer[0]',
    ],
    [
      'a number as text',
      response([{ linkId: 'PHQ-9.1', answer: [{ valueInteger: '3' }] }]),
      'QuestionnaireResponse.item[0].answer[0].valueInteger',
    ],
    [
      'a date that does not exist',
      response([], { authored: '2026-02-30T10:00:00Z' }),
      'QuestionnaireResponse.authored',
    ],
    ['control characters', response([{ linkId: 'a\u0007' }]), 'QuestionnaireResponse.item[0].linkId'],
  ])('with %s is refused at the field', (_, value, path) => {
    const answer = read(value);
    expect(answer.kind === 'refused' && answer.faults[0]?.path).toBe(path);
  });
});

describe('an observation', () => {
  const coded = (code: string) => ({ coding: [{ system: 'http://loinc.org', code }] });
  it('with a component for each item is scored', () => {
    const items = [
      '44250-9',
      '44255-8',
      '44259-0',
      '44254-1',
      '44251-7',
      '44258-2',
      '44252-5',
      '44253-3',
      '44260-8',
    ];
    const result = one({
      resourceType: 'Observation',
      status: 'final',
      code: coded('44249-1'),
      component: [
        ...items.map((code) => ({ code: coded(code), valueCodeableConcept: coded('LA6569-3') })),
        { code: coded('44261-6'), valueQuantity: { value: 9 } },
      ],
    });
    expect(result).toMatchObject({ score: { total: 9 }, statedTotal: 9, findings: [], attachable: true });
  });

  it('with a total alone is not attached', () => {
    const result = one({
      resourceType: 'Observation',
      status: 'final',
      code: coded('96761-2'),
      valueInteger: 60,
    });
    expect(result).toMatchObject({ instrument: 'barthel-index', statedTotal: 60, attachable: false });
    expect(codes(result)).toEqual(['total-without-answers']);
  });
});
