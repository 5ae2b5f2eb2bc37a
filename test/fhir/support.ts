// Test support: reading files as the door does, and building small records.
import { createHash } from 'node:crypto';
import { type ApplicationDraft, readBundle } from '../../fhir/import.ts';
import type { Refused } from '../../fhir/resources.ts';

export const sha256 = (bytes: Uint8Array): Uint8Array =>
  new Uint8Array(createHash('sha256').update(bytes).digest());

/** The day on which all tests read. */
export const TODAY = '2026-11-23';

export const read = (input: string | Uint8Array) => readBundle(input, { today: TODAY, hash: sha256 });

export const draftOf = (input: string | Uint8Array | object): ApplicationDraft => {
  const isRaw = typeof input === 'string' || input instanceof Uint8Array;
  const answer = read(isRaw ? input : JSON.stringify(input));
  if (answer.kind === 'refused')
    throw new Error(answer.faults.map(({ path, message }) => `${path}: ${message}`).join('\n'));
  return answer.draft;
};

export const refusalOf = (input: string | Uint8Array | object): Refused => {
  const isRaw = typeof input === 'string' || input instanceof Uint8Array;
  const answer = read(isRaw ? input : JSON.stringify(input));
  if (answer.kind !== 'refused') throw new Error('taken');
  return answer;
};

export type Json = Record<string, unknown>;

export const snomed = (code: string, display = 'words that mean nothing'): Json => ({
  coding: [{ system: 'http://snomed.info/sct', code, display }],
  text: display,
});

/** An invented person. */
export const patient = (over: Json = {}): Json => ({
  resourceType: 'Patient',
  id: 'p1',
  name: [{ family: 'Musterfrau', given: ['Erika'] }],
  birthDate: '1960-05-06',
  gender: 'female',
  ...over,
});

const about = { reference: 'Patient/p1' };
const status = (code: string): Json => ({ coding: [{ code }] });

export const condition = (id: string, code: string, over: Json = {}): Json => ({
  resourceType: 'Condition',
  id,
  code: snomed(code, `condition ${id}`),
  clinicalStatus: status('active'),
  verificationStatus: status('confirmed'),
  subject: about,
  onsetDateTime: '2026-09-01',
  ...over,
});

export const plan = (id: string, category: string, addresses: string[], over: Json = {}): Json => ({
  resourceType: 'CarePlan',
  id,
  status: 'active',
  intent: 'order',
  category: [snomed(category, `plan ${id}`)],
  subject: about,
  period: { start: '2026-09-02' },
  addresses: addresses.map((one) => ({ reference: `Condition/${one}` })),
  ...over,
});

export const request = (id: string, code: string, over: Json = {}): Json => ({
  resourceType: 'ServiceRequest',
  id,
  status: 'active',
  intent: 'order',
  code: snomed(code, `request ${id}`),
  subject: about,
  authoredOn: '2026-11-01',
  ...over,
});

export const bundle = (...resources: Json[]): Json => ({
  resourceType: 'Bundle',
  type: 'collection',
  entry: resources.map((resource) => ({ resource })),
});

export const withStatus = status;
