// Composition of the demonstration's people: plainly invented ones, the least staff that satisfies the six duties
// (DESIGN.md section 9, 13), each with a fixed id. Idempotent: a person who is there stays as they are.
import { type AddPerson, addPerson } from '../../activities/people.ts';
import { connect } from '../../db/connection.ts';
import { isRefusal } from '../../domain/refusal.ts';
import { demandLoopback } from '../demonstration.ts';
import { databaseUrl, type Machine, machineOf } from '../machine.ts';
import { recorderOf } from '../recorder.ts';

const id = (n: number): string => `00000000-0000-8000-8000-0000000000${String(n).padStart(2, '0')}`;

/** Everybody in the demonstration. Names are invented and end in what they do. */
export const DEMONSTRATION_PEOPLE: readonly Omit<AddPerson, 'key'>[] = [
  { id: id(1), name: 'Ada Officer', organisation: 'administration', roles: [{ role: 'approval-officer' }] },
  { id: id(2), name: 'Ben Officer', organisation: 'administration', roles: [{ role: 'approval-officer' }] },
  { id: id(3), name: 'Cora Officer', organisation: 'administration', roles: [{ role: 'approval-officer' }] },
  { id: id(4), name: 'Dan Officer', organisation: 'administration', roles: [{ role: 'approval-officer' }] },
  {
    id: id(11),
    name: 'Eve Therapist',
    organisation: 'hospital',
    roles: [{ role: 'therapist', disciplines: ['physiotherapy', 'speech-therapy'] }],
  },
  {
    id: id(12),
    name: 'Finn Therapist',
    organisation: 'hospital',
    roles: [{ role: 'therapist', disciplines: ['physiotherapy', 'occupational-therapy'] }],
  },
  {
    id: id(13),
    name: 'Gina Therapist',
    organisation: 'hospital',
    roles: [{ role: 'therapist', disciplines: ['occupational-therapy', 'psychology'] }],
  },
  {
    id: id(14),
    name: 'Hugo Therapist',
    organisation: 'hospital',
    roles: [
      { role: 'therapist', disciplines: ['physiotherapy', 'psychology', 'speech-therapy'], lead: true },
    ],
  },
  { id: id(21), name: 'Dr Iris Doctor', organisation: 'hospital', roles: [{ role: 'doctor' }] },
  { id: id(22), name: 'Dr Jon Doctor', organisation: 'hospital', roles: [{ role: 'doctor' }] },
  {
    id: id(31),
    name: 'Kim Administrator',
    organisation: 'administration',
    roles: [{ role: 'administrator' }],
  },
  {
    id: id(32),
    name: 'Lou Security',
    organisation: 'administration',
    roles: [{ role: 'security-administrator' }],
  },
  { id: id(33), name: 'Mia Auditor', organisation: 'association', roles: [{ role: 'auditor' }] },
  { id: id(34), name: 'Noa Privacy', organisation: 'association', roles: [{ role: 'privacy-officer' }] },
  { id: id(41), name: 'Olga Referrer', organisation: 'hospital', roles: [{ role: 'referrer' }] },
  {
    id: id(51),
    name: 'Pat Patient',
    organisation: null,
    birthDate: '1961-04-02',
    roles: [{ role: 'patient' }],
  },
  {
    id: id(52),
    name: 'Quin Patient',
    organisation: null,
    birthDate: '1974-09-30',
    roles: [{ role: 'patient' }],
  },
  { id: id(61), name: 'Rosa Guardian', organisation: null, roles: [{ role: 'guardian' }] },
  {
    id: id(62),
    name: 'Uma Two-Roles',
    organisation: null,
    birthDate: '1983-07-14',
    roles: [{ role: 'patient' }, { role: 'guardian' }],
  },
];

/** `seed` as the worker of a machine that is coming up, over the database and the network that stand already. */
export async function seedStarted(
  dataDir: string,
  { databaseUrls, fabricProfile }: { databaseUrls: { worker: string }; fabricProfile: string },
): Promise<void> {
  const machine = machineOf(dataDir);
  const settings = {
    ...machine.settings,
    REHAB_DATABASE_URL: databaseUrls.worker,
    FABRIC_PROFILE: fabricProfile,
  };
  await seed({ ...machine, settings });
}

/**
 * Adds whoever is missing, as the service. Needs the Fabric profile, for the service's certificate.
 * @throws {SettingRefused} where the web is reached beyond loopback
 */
export async function seed(machine: Machine): Promise<{ added: number }> {
  demandLoopback(machine.settings);
  await machine.secrets.keyStore.create('system', 'system');
  const { sql, close } = connect(databaseUrl(machine, 'worker'), { max: 2, name: 'rehab-seed' });
  try {
    const recorder = recorderOf(machine, sql);
    const known = new Set((await sql<{ id: string }[]>`select id from persons`).map((row) => row.id));
    let added = 0;
    for (const person of DEMONSTRATION_PEOPLE) {
      if (known.has(person.id)) continue;
      const answer = await addPerson(recorder, { ...person, key: `seed-${person.id}` });
      if (isRefusal(answer)) throw new Error(`demonstration person was refused: ${answer.code}`);
      added++;
    }
    return { added };
  } finally {
    await close();
  }
}
