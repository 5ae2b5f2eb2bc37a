// Test support: the pictures of the README, taken on a fresh machine with a handful of cases in different states, made by driving
// the pages as people would: `npm run screenshots`. What a picture shows is what the product shows. Everybody in it is invented.
import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { type Manner, openWorld, signedIn, type World } from '../e2e/world.ts';
import {
  accept,
  apply,
  askPapers,
  assess,
  type CaseRef,
  check,
  choose,
  claimTask,
  decide,
  fill,
  judgeAll,
  openTask,
  pressPrimary,
  proposePlan,
  recordSession,
  reEvaluate,
  refuseApplication,
  toSign,
} from './deeds.ts';
import { shot } from './shots.ts';

const folder = join(import.meta.dirname, '../../docs/screenshots');
/** README pictures stay small, so that it loads on a slow line. */
const LARGEST = 250_000;

/** A record as another system might send it, in FHIR R4. The person is invented. */
const RECORD = {
  resourceType: 'Bundle',
  type: 'collection',
  entry: [
    {
      fullUrl: 'urn:uuid:9d3c1f1e-0000-4000-8000-000000000001',
      resource: {
        resourceType: 'Patient',
        id: 'patient',
        name: [{ text: 'Alma Example' }],
        gender: 'female',
        birthDate: '1958-03-14',
      },
    },
    {
      fullUrl: 'urn:uuid:9d3c1f1e-0000-4000-8000-000000000002',
      resource: {
        resourceType: 'Condition',
        id: 'fracture',
        clinicalStatus: {
          coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code: 'active' }],
        },
        code: {
          coding: [
            { system: 'http://snomed.info/sct', code: '5913000', display: 'Fracture of neck of femur' },
          ],
          text: 'Fracture of neck of femur',
        },
        subject: { reference: 'urn:uuid:9d3c1f1e-0000-4000-8000-000000000001' },
        onsetDateTime: '2026-09-28',
      },
    },
    {
      fullUrl: 'urn:uuid:9d3c1f1e-0000-4000-8000-000000000003',
      resource: {
        resourceType: 'Condition',
        id: 'pressure',
        clinicalStatus: {
          coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code: 'active' }],
        },
        code: {
          coding: [{ system: 'http://snomed.info/sct', code: '59621000', display: 'Essential hypertension' }],
          text: 'Essential hypertension',
        },
        subject: { reference: 'urn:uuid:9d3c1f1e-0000-4000-8000-000000000001' },
        onsetDateTime: '2011-05-02',
      },
    },
    {
      fullUrl: 'urn:uuid:9d3c1f1e-0000-4000-8000-000000000004',
      resource: {
        resourceType: 'ServiceRequest',
        id: 'order',
        status: 'active',
        intent: 'order',
        code: {
          coding: [{ system: 'http://snomed.info/sct', code: '52052004', display: 'Rehabilitation therapy' }],
          text: 'Rehabilitation therapy',
        },
        subject: { reference: 'urn:uuid:9d3c1f1e-0000-4000-8000-000000000001' },
        reasonReference: [{ reference: 'urn:uuid:9d3c1f1e-0000-4000-8000-000000000002' }],
        authoredOn: '2026-11-16',
      },
    },
  ],
};

const INSTRUMENTS = ['barthel-index', 'six-minute-walk'];

/** Applications as referrers write them. */
const REFERRED = [
  [
    'Bruno Sample',
    ['2', '7', '1949'],
    'Stroke in October, weak right arm and leg.',
    'Dress and eat without help.',
  ],
  ['Carla Invented', ['19', '11', '1972'], 'Both knees replaced in November.', 'Climb the stairs at home.'],
  ['Diego Specimen', ['30', '1', '1981'], 'Lung disease, breathless after a few steps.', 'Walk to the shop.'],
  ['Elif Fictional', ['8', '8', '1966'], 'Fall from a ladder, broken heel.', 'Work in the garden again.'],
] as const;

async function tell(world: World): Promise<void> {
  const by = async <R>(name: string, story: (page: Page) => Promise<R>, manner: Manner = {}): Promise<R> => {
    const page = await signedIn(world, name, manner);
    try {
      return await story(page);
    } finally {
      await page.context().close();
    }
  };
  /** The test fonts are not the product's: only for pictures is the content policy passed by. */
  const picture = (who: string, name: string, story: (page: Page) => Promise<unknown>, manner: Manner = {}) =>
    by(
      who,
      async (page) => {
        await story(page);
        const path = join(folder, `${name}.png`);
        await shot(page, path, { whole: false });
        const { size } = await stat(path);
        console.info(`${path}, ${Math.round(size / 1000)} kB`);
        if (size > LARGEST) throw new Error(`picture is larger than ${LARGEST} bytes: ${path}`);
      },
      { bypassCSP: true, ...manner },
    );

  // Someone who has come all the way to the final approval, in two rounds of treatment.
  const walked = await by('Pat Patient', (page) =>
    apply(page, {
      reason:
        'Hip fracture after a fall in August, operated on. I walk with a frame and cannot manage stairs.',
      goals: 'Walk to the shop and back, and climb the stairs to my flat.',
    }),
  );
  await by('Ada Officer', (page) =>
    accept(page, walked, ['physiotherapy'], 'Daily life is limited, and the goals can be reached.'),
  );
  await by('Eve Therapist', (page) =>
    assess(
      page,
      walked,
      'physiotherapy',
      INSTRUMENTS,
      'Walks ten steps with a frame. Needs help to dress.',
      0.45,
    ),
  );
  await by('Dr Iris Doctor', (page) =>
    proposePlan(page, walked, { physiotherapy: 2 }, ['Walk 300 m without a break', 'Climb ten stairs']),
  );
  await by('Ben Officer', (page) =>
    decide(page, walked, 'approve-plan', 'approve', 'The plan fits the goals.'),
  );
  for (const note of ['Ten stairs with the rail.', 'Walked outside for the first time.'])
    await by('Eve Therapist', (page) => recordSession(page, walked, note));
  await by('Finn Therapist', (page) =>
    reEvaluate(
      page,
      walked,
      'finish',
      INSTRUMENTS,
      'Walks alone with one stick. Stairs with the rail.',
      0.85,
    ),
  );

  // People at every other stage.
  const referred: CaseRef[] = [];
  for (const [patientName, birthDate, reason, goals] of REFERRED)
    referred.push(
      await by('Olga Referrer', (page) => apply(page, { patientName, birthDate, reason, goals })),
    );
  const [bruno, carla, diego] = referred as [CaseRef, CaseRef, CaseRef];
  for (const about of [bruno, carla]) {
    await by('Cora Officer', (page) => accept(page, about, ['physiotherapy'], 'The need is plain.'));
    await by('Finn Therapist', (page) =>
      assess(page, about, 'physiotherapy', INSTRUMENTS, 'Weak, but willing and able to take part.', 0.35),
    );
    await by('Dr Jon Doctor', (page) =>
      proposePlan(page, about, { physiotherapy: 6 }, ['Stand up without help', 'Walk 200 m']),
    );
    await by('Dan Officer', (page) =>
      decide(page, about, 'approve-plan', 'approve', 'The plan fits the goals.'),
    );
  }
  await by('Cora Officer', (page) =>
    askPapers(page, diego, ['Report of the lung function test'], 'We need the newest figures.'),
  );
  const mild = await by('Quin Patient', (page) =>
    apply(page, { reason: 'A sprained ankle, nearly healed.', goals: 'Play football again.' }),
  );
  await by('Ben Officer', (page) =>
    refuseApplication(page, mild, 'Ordinary treatment is enough for a sprained ankle.'),
  );
  const accepted = await by('Rosa Guardian', (page) =>
    apply(page, {
      patientName: 'Felix Imagined',
      birthDate: ['21', '6', '2009'],
      reason: 'Concussion in the spring. Tires quickly, cannot follow lessons.',
      goals: 'Go back to school for whole days.',
    }),
  );
  await by('Ben Officer', (page) =>
    accept(page, accepted, ['psychology', 'occupational-therapy'], 'School is at risk.'),
  );
  const decided = await by('Rosa Guardian', (page) =>
    apply(page, {
      patientName: 'Greta Imagined',
      birthDate: ['5', '12', '1944'],
      reason: 'Both shoulders are stiff since the summer. Cannot reach above the head, cook or dress alone.',
      goals: 'Dress without help and cook again.',
    }),
  );
  await by('Eve Therapist', (page) => recordSession(page, bruno, 'First steps at the bars.'));

  await picture('Olga Referrer', 'apply', async (page) => {
    await page.goto('/apply/import');
    await fill(page, { text: JSON.stringify(RECORD) });
    await pressPrimary(page);
    await page.waitForURL(/\/apply\?draft=/);
  });
  await picture('Ada Officer', 'decision', async (page) => {
    await claimTask(page, decided, 'decide-eligibility');
    await judgeAll(page);
    await choose(page, 'choice', 'accept');
    await fill(page, { reasons: 'The need is plain, and the goals can be reached in six weeks.' });
    await choose(page, 'disciplines', 'occupational-therapy');
    await page.locator('#draft-state', { hasText: /\d/ }).waitFor();
  });
  await picture('Ada Officer', 'sign', async (page) => {
    await openTask(page, decided, 'decide-eligibility');
    await check(page);
    await toSign(page);
  });
  await picture('Ada Officer', 'queue', (page) => page.goto('/queue'));
  await picture('Eve Therapist', 'day', (page) => page.goto('/day'));
  await picture('Dan Officer', 'case', (page) => page.goto(`/cases/${walked.id}`));
  await picture('Pat Patient', 'my', (page) => page.goto('/my'), { width: 360 });
  await picture(
    'Kim Administrator',
    'board',
    async (page) => {
      await page.goto('/board');
      await page.locator('.live[data-live=on]').waitFor();
    },
    { dark: true },
  );
  await picture('Mia Auditor', 'audit', async (page) => {
    await page.getByRole('button', { name: 'Verify now' }).click();
    await page.locator('#verify-title', { hasText: 'Sound' }).waitFor({ timeout: 120_000 });
  });
  await picture('Mia Auditor', 'consortium', (page) => page.goto('/consortium'));
}

await mkdir(folder, { recursive: true });
const world = await openWorld();
try {
  await tell(world);
  if (world.trouble.length > 0) throw new Error(`pages were not well:\n${world.trouble.join('\n')}`);
} finally {
  await world.close();
}
