// Test support: a small FHIR record with a reason for rehabilitation, of an invented person.

/** What the record says. */
export const order = {
  name: 'Rita Sample',
  reason: 'Cerebrovascular accident',
  code: 'http://snomed.info/sct|230690007',
};

const SCT = 'http://snomed.info/sct';

/** A bundle about one living patient with a stroke for which rehabilitation is ordered. */
export function bundle(name = order.name): object {
  const about = { reference: 'Patient/p' };
  return {
    resourceType: 'Bundle',
    type: 'collection',
    entry: [
      {
        resource: {
          resourceType: 'Patient',
          id: 'p',
          identifier: [{ system: 'urn:test', value: name }],
          name: [{ use: 'official', text: name }],
          gender: 'female',
          birthDate: '1961-04-02',
        },
      },
      {
        resource: {
          resourceType: 'Condition',
          id: 'c',
          clinicalStatus: { coding: [{ code: 'active' }] },
          verificationStatus: { coding: [{ code: 'confirmed' }] },
          code: { coding: [{ system: SCT, code: '230690007' }], text: order.reason },
          subject: about,
          onsetDateTime: '2026-09-01',
        },
      },
      {
        resource: {
          resourceType: 'CarePlan',
          id: 'r',
          status: 'active',
          intent: 'order',
          category: [{ coding: [{ system: SCT, code: '394608005' }], text: 'Rehabilitation' }],
          subject: about,
          period: { start: '2026-10-01' },
          addresses: [{ reference: 'Condition/c' }],
        },
      },
    ],
  };
}
