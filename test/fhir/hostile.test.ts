// Tests with hostile and broken files: each gets one clear answer at a field, nothing is thrown, fetched or left behind.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it, test, vi } from 'vitest';
import { FHIR_LIMITS } from '../../fhir/resources.ts';
import { readAssessmentResults } from '../../fhir/results.ts';
import { hasSharedData, sharedData } from '../support/shared-data.ts';
import { bundle, condition, draftOf, type Json, patient, plan, read, refusalOf } from './support.ts';

const STROKE = '230690007';
const faultsOf = (input: string | Uint8Array | object) =>
  refusalOf(input).faults.map(({ code, path }) => `${code} ${path}`);

describe('the file as a whole', () => {
  test.each<[string, string | Uint8Array, string]>([
    ['nothing', '', 'not-json '],
    ['half a file', '{"resourceType": "Bundle", "entry": [', 'not-json '],
    ['a page', '<!doctype html><title>Sign in</title>', 'not-json '],
    ['XML', '<Bundle xmlns="http://hl7.org/fhir"/>', 'not-json '],
    ['a byte order mark', '\ufeff{"resourceType":"Bundle"}', 'not-json '],
    ['bytes that are not UTF-8', Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d), 'not-json '],
    ['a list', '[]', 'not-fhir '],
    ['a number', '7', 'not-fhir '],
    ['no resource type', '{"type":"transaction"}', 'not-fhir '],
    ['a resource type that is none', '{"resourceType":"<script>"}', 'not-fhir '],
    ['a resource type that is a list', '{"resourceType":["Bundle"]}', 'not-fhir '],
    ['a key twice', '{"resourceType":"Bundle","resourceType":"Patient"}', 'not-json '],
    ['a prototype key', '{"resourceType":"Bundle","__proto__":{"type":"batch"}}', 'not-json '],
    [
      'a constructor key',
      '{"resourceType":"Bundle","entry":[{"constructor":{"prototype":{}}}]}',
      'not-json ',
    ],
    ['a lone surrogate', '{"resourceType":"Bundle","id":"\\ud800"}', 'not-json '],
    ['100,000 levels', '{"a":'.repeat(100_000), 'not-json '],
    ['33 levels', `{"resourceType":"Bundle","a":${'['.repeat(32)}${']'.repeat(32)}}`, 'not-json '],
    ['a history', '{"resourceType":"Bundle","type":"history","entry":[]}', 'bundle-type Bundle.type'],
    ['no bundle type', '{"resourceType":"Bundle","entry":[]}', 'bundle-type Bundle.type'],
    [
      'entries that are no list',
      '{"resourceType":"Bundle","type":"batch","entry":{}}',
      'wrong-type Bundle.entry',
    ],
    [
      'an entry that is text',
      '{"resourceType":"Bundle","type":"batch","entry":["x"]}',
      'wrong-type Bundle.entry[0]',
    ],
    [
      'a resource that is a list',
      '{"resourceType":"Bundle","type":"batch","entry":[{"resource":[]}]}',
      'wrong-type Bundle.entry[0].resource',
    ],
    [
      'an address that is a number',
      '{"resourceType":"Bundle","type":"batch","entry":[{"fullUrl":1,"resource":{"resourceType":"Patient"}}]}',
      'wrong-type Bundle.entry[0].fullUrl',
    ],
    ['no entries', '{"resourceType":"Bundle","type":"batch"}', 'no-patient Bundle.entry'],
    [
      'empty entries',
      '{"resourceType":"Bundle","type":"batch","entry":[{},{"request":{}}]}',
      'no-patient Bundle.entry',
    ],
    ['one resource', '{"resourceType":"Patient"}', 'single-resource Patient'],
  ])('that is %s is refused', (_, input, expected) => {
    expect(faultsOf(input)).toEqual([expected]);
    expect(readAssessmentResults(input).kind).toBe('refused');
  });

  it('is read up to 10 MiB and not one byte further', () => {
    const open =
      '{"resourceType":"Bundle","type":"batch","entry":[{"resource":{"resourceType":"Patient","note":"';
    const filled = (bytes: number) => `${open}${'x'.repeat(bytes - open.length - 5)}"}}]}`;
    expect(filled(1000)).toHaveLength(1000);
    expect(read(filled(FHIR_LIMITS.bytes)).kind).toBe('draft');
    expect(faultsOf(filled(FHIR_LIMITS.bytes + 1))).toEqual(['too-large ']);
    expect(faultsOf(new TextEncoder().encode(filled(FHIR_LIMITS.bytes + 1)))).toEqual(['too-large ']);
    // Counted in bytes: half as many characters of two bytes each are too many too.
    expect(faultsOf(filled(6_000_000).replaceAll('x', 'é'))).toEqual(['too-large ']);
  });

  it('has its keys counted, so that a million of them stop early', () => {
    const many = Array.from({ length: 1_000_000 }, (_, at) => `"${at.toString(36)}":0`).join(',');
    expect(faultsOf(`{"resourceType":"Bundle",${many}}`)).toEqual(['not-json ']);
    const entries = Array.from({ length: 20_001 }, () => '{}').join(',');
    expect(faultsOf(`{"resourceType":"Bundle","type":"batch","entry":[${entries}]}`)).toEqual([
      'too-long Bundle.entry',
    ]);
  });

  it('of 20,000 entries that all point at each other is read in one pass', () => {
    const conditions = Array.from({ length: 6_500 }, (_, at) =>
      condition(`c${at}`, at % 2 === 0 ? STROKE : '399211009', { onsetDateTime: '2026-01-01' }),
    );
    const plans = Array.from({ length: 6_500 }, (_, at) => plan(`p${at}`, '52052004', [`c${at}`, 'c0']));
    const visits = Array.from({ length: 6_500 }, (_, at) => ({
      resourceType: 'Encounter',
      id: `e${at}`,
      subject: { reference: 'Patient/p1' },
      reasonCode: [{ coding: [{ system: 'http://snomed.info/sct', code: '60389000' }], text: `v${at}` }],
    }));
    const { reason, alternatives } = draftOf(bundle(patient(), ...conditions, ...plans, ...visits));
    expect(reason?.basis).toBe('rehabilitation-ordered');
    expect(alternatives).toHaveLength(3_250);
  });

  it.skipIf(!hasSharedData)('is taken when it is large but real', () => {
    const name = 'hip-fracture_Kathe_Zieme.json';
    const record = JSON.parse(readFileSync(sharedData('synthea-r4', name), 'utf8')) as {
      entry: { resource: Json }[];
    };
    const others = record.entry.filter(({ resource }) => resource.resourceType !== 'Patient');
    // Twenty times a whole life: more than 300,000 keys.
    for (let copy = 0; copy < 19; copy += 1) record.entry.push(...others);
    const text = JSON.stringify(record);
    expect(text.length).toBeGreaterThan(5_000_000);
    expect(text.length).toBeLessThan(FHIR_LIMITS.bytes);
    expect(draftOf(text).setAside.length).toBeGreaterThan(0);
  });
});

describe('a field', () => {
  const at = (path: string) => `Bundle.entry[0].resource${path}`;
  test.each<[string, Json, string]>([
    ['a name that is text', { name: 'Erika' }, `wrong-type ${at('.name')}`],
    ['a family name that is a list', { name: [{ family: ['A'] }] }, `wrong-type ${at('.name[0].family')}`],
    ['a given name that is null', { name: [{ given: [null] }] }, `wrong-type ${at('.name[0].given[0]')}`],
    [
      'a name of 101 characters',
      { name: [{ family: 'x'.repeat(101) }] },
      `too-long ${at('.name[0].family')}`,
    ],
    [
      'a hundred names',
      { name: Array.from({ length: 100 }, () => ({ family: 'x' })) },
      `too-long ${at('.name')}`,
    ],
    ['a null character', { name: [{ family: 'A\u0000B' }] }, `control-characters ${at('.name[0].family')}`],
    [
      'an escape sequence',
      { name: [{ family: '\u001b[2J' }] },
      `control-characters ${at('.name[0].family')}`,
    ],
    [
      'a direction turned around',
      { name: [{ family: 'A\u202eB' }] },
      `control-characters ${at('.name[0].family')}`,
    ],
    [
      'a direction isolated',
      { name: [{ family: 'A\u2066B' }] },
      `control-characters ${at('.name[0].family')}`,
    ],
    ['a delete', { name: [{ text: 'A\u007f' }] }, `control-characters ${at('.name[0].text')}`],
    ['an unknown sex', { gender: 'f' }, `wrong-type ${at('.gender')}`],
    ['a birth date that is a number', { birthDate: 19600506 }, `wrong-type ${at('.birthDate')}`],
    ['30 February', { birthDate: '1960-02-30' }, `not-a-date ${at('.birthDate')}`],
    ['month 13', { birthDate: '1960-13-01' }, `not-a-date ${at('.birthDate')}`],
    ['month 00', { birthDate: '1960-00' }, `not-a-date ${at('.birthDate')}`],
    ['the year 0', { birthDate: '0000' }, `not-a-date ${at('.birthDate')}`],
    ['the year 9999', { birthDate: '9999-01-01' }, `not-a-date ${at('.birthDate')}`],
    ['a German date', { birthDate: '06.05.1960' }, `not-a-date ${at('.birthDate')}`],
    [
      'a date with something behind',
      { birthDate: '1960-05-06; drop table' },
      `not-a-date ${at('.birthDate')}`,
    ],
    ['hour 25', { deceasedDateTime: '2020-01-01T25:00:00Z' }, `not-a-date ${at('.deceasedDateTime')}`],
    [
      'a time without a zone',
      { deceasedDateTime: '2020-01-01T12:00:00' },
      `not-a-date ${at('.deceasedDateTime')}`,
    ],
    ['a death that is text', { deceasedBoolean: 'true' }, `wrong-type ${at('.deceasedBoolean')}`],
    ['an identifier that is text', { identifier: 'MRN 1' }, `wrong-type ${at('.identifier')}`],
  ])('of the patient with %s is named', (_, over, expected) => {
    expect(faultsOf(bundle(patient(over)))).toEqual([expected]);
  });

  test.each<[string, Json, string]>([
    [
      'a status that is text',
      condition('c', STROKE, { clinicalStatus: 'active' }),
      'wrong-type Bundle.entry[1].resource.clinicalStatus',
    ],
    [
      'a code that is a list',
      condition('c', STROKE, { code: [] }),
      'wrong-type Bundle.entry[1].resource.code',
    ],
    [
      'a subject that is text',
      condition('c', STROKE, { subject: 'Patient/p1' }),
      'wrong-type Bundle.entry[1].resource.subject',
    ],
    [
      'a day that does not exist',
      condition('c', STROKE, { onsetDateTime: '2026-06-31' }),
      'not-a-date Bundle.entry[1].resource.onsetDateTime',
    ],
    [
      'a text of 301 characters',
      condition('c', STROKE, { code: { text: 'x'.repeat(301) } }),
      'too-long Bundle.entry[1].resource.code.text',
    ],
    [
      'a display with a control character',
      condition('c', STROKE, { code: { coding: [{ display: 'a\u0008' }] } }),
      'control-characters Bundle.entry[1].resource.code.coding[0].display',
    ],
    [
      'addresses that are one',
      plan('p', STROKE, [], { addresses: { reference: 'x' } }),
      'wrong-type Bundle.entry[1].resource.addresses',
    ],
    [
      'an activity that is text',
      plan('p', STROKE, [], { activity: ['walk'] }),
      'wrong-type Bundle.entry[1].resource.activity[0]',
    ],
    [
      'a reference of 3,000 characters',
      plan('p', STROKE, [], { addresses: [{ reference: 'x'.repeat(3000) }] }),
      'too-long Bundle.entry[1].resource.addresses[0].reference',
    ],
  ])('of a record with %s is named', (_, resource, expected) => {
    expect(faultsOf(bundle(patient(), resource))).toEqual([expected]);
  });

  it('tells all faults at once, at most twenty, and no value of any', () => {
    const broken = Array.from({ length: 30 }, (_, at) =>
      condition(`c${at}`, STROKE, { onsetDateTime: 'Zwetschge' }),
    );
    const { faults } = refusalOf(bundle(patient({ birthDate: 'Zwetschge' }), ...broken));
    expect(faults).toHaveLength(20);
    expect(JSON.stringify(faults)).not.toContain('Zwetschge');
  });

  it('that nobody uses may hold anything', () => {
    const odd = { photo: 17, contact: 'nobody', extension: { a: [null] }, maritalStatus: [[[]]] };
    expect(
      draftOf(bundle(patient(odd), { resourceType: 'Observation', status: 5 }, { resourceType: 'Nonsense' }))
        .source.unused,
    ).toEqual({
      Nonsense: 1,
      Observation: 1,
    });
  });

  it('of a type outside FHIR does not become a name of ours', () => {
    const { source } = draftOf(
      bundle(patient(), { resourceType: '<img src=x onerror=alert(1)>' }, { resourceType: 'toString' }),
    );
    expect(source.unused).toEqual({ other: 2 });
  });
});

describe('addresses in a file', () => {
  afterEach(() => vi.unstubAllGlobals());
  const hostile = [
    'http://169.254.169.254/latest/meta-data',
    'http://127.0.0.1:5432/',
    'https://example.org/fhir/Condition/c',
    'file:///etc/passwd',
    '//example.org/x',
    'javascript:alert(1)',
    'Condition/../../etc',
  ];

  it('are never opened', () => {
    const opened = vi.fn(() => {
      throw new Error('opened');
    });
    vi.stubGlobal('fetch', opened);
    vi.stubGlobal('XMLHttpRequest', opened);
    vi.stubGlobal('WebSocket', opened);
    for (const reference of hostile) {
      const record = bundle(
        patient({ photo: [{ url: reference }], managingOrganization: { reference } }),
        condition('c', STROKE, { subject: { reference } }),
        plan('p', '52052004', [], { addresses: [{ reference }], instantiatesUri: [reference] }),
      );
      const draft = draftOf(record);
      expect(draft.reason).toBeNull();
      expect(draft.questions.map(({ code }) => code)).toContain('references');
      // What is asked names places in the file, never the address itself.
      expect(JSON.stringify(draft.questions)).not.toContain(reference);
    }
    expect(opened).not.toHaveBeenCalled();
  });

  it('could not be: nothing in the folder reaches a network or a file', () => {
    const folder = join(import.meta.dirname, '../../fhir');
    for (const name of readdirSync(folder)) {
      const source = readFileSync(join(folder, name), 'utf8');
      expect(source, name).not.toMatch(/from '(node:|[a-z@][^']*)'(?<!from 'zod')/);
      expect(source, name).not.toMatch(/\bfetch\s*\(|\bimport\s*\(|\brequire\s*\(/);
    }
  });
});

describe('any file at all', () => {
  it('gets an answer, and leaves Object.prototype as it was', () => {
    const before = Object.getOwnPropertyNames(Object.prototype);
    const key = fc.constantFrom(
      'resourceType',
      'type',
      'entry',
      'resource',
      'fullUrl',
      'id',
      'name',
      'family',
      'given',
      'birthDate',
      'code',
      'coding',
      'system',
      'text',
      'subject',
      'reference',
      'status',
      'item',
      'linkId',
      'answer',
      'valueInteger',
      'activity',
      'detail',
      'period',
      'start',
      'identifier',
      'communication',
      'language',
      'toString',
      'valueOf',
    );
    const leaf = fc.constantFrom(
      'Bundle',
      'Patient',
      'Condition',
      'CarePlan',
      'Encounter',
      'QuestionnaireResponse',
      'Observation',
      'transaction',
      'active',
      'order',
      'Patient/p',
      '',
      '2020-01-01',
      '2020-13-45',
      'PHQ-9.1',
      0,
      -1,
      1.5,
      1e300,
      null,
      true,
    );
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 7 },
        leaf,
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(key, tie('value'), { maxKeys: 6 }),
      ),
    }));
    const resource = fc
      .tuple(
        fc.constantFrom(
          'Patient',
          'Condition',
          'CarePlan',
          'ServiceRequest',
          'Encounter',
          'Procedure',
          'AllergyIntolerance',
          'Goal',
          'Observation',
          'QuestionnaireResponse',
        ),
        fc.dictionary(key, value),
      )
      .map(([resourceType, rest]) => ({ ...rest, resourceType }));
    const file = fc.oneof(
      value,
      resource,
      fc
        .array(fc.record({ fullUrl: leaf, resource }, { requiredKeys: [] }), { maxLength: 6 })
        .map((entry) => ({
          resourceType: 'Bundle',
          type: 'collection',
          entry: [{ resource: patient() }, ...entry],
        })),
    );
    fc.assert(
      fc.property(file, (json) => {
        const text = JSON.stringify(json);
        for (const answer of [read(text), readAssessmentResults(text)]) {
          if (answer.kind !== 'refused') continue;
          expect(answer.faults.length).toBeGreaterThan(0);
          for (const { message } of answer.faults) expect(message).toMatch(/^[A-Z].*\.$/s);
        }
      }),
      { numRuns: 1500 },
    );
    expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(before);
  });

  it('cut off or changed at one byte gets an answer too', () => {
    const text = new TextEncoder().encode(
      JSON.stringify(bundle(patient(), condition('c', STROKE), plan('p', '52052004', ['c']))),
    );
    for (let at = 0; at < text.length; at += 1) {
      expect(['draft', 'refused']).toContain(read(text.slice(0, at)).kind);
      const changed = text.slice();
      changed[at]! ^= 0x11;
      expect(['draft', 'refused']).toContain(read(changed).kind);
    }
  });
});
