// Composition of `rehab people add`: the first security administrator, made by the operator at the machine while nobody who holds that
// role has a way in; everybody else is added on the page. Under the web's role. The link goes to standard output and nowhere else.
import { randomUUID } from 'node:crypto';
import { connect, type Database } from '../../db/connection.ts';
import { securityAdministrators } from '../../db/views/invitations.ts';
import type { Acting } from '../../db/writes/invitations.ts';
import type { Organisation } from '../../domain/consortium.ts';
import { INVITATION_HOURS, readNewPerson } from '../../domain/invitations.ts';
import { isRefusal } from '../../domain/refusal.ts';
import { SERVICE } from '../../domain/roles.ts';
import type { Recorder } from '../../ledger/recorded.ts';
import { newLink } from '../../web/invitation/token.ts';
import { addStaff, makeInvitation } from '../../web/recorded-people.ts';
import { passkeysWork } from '../../web/sign-in/passkeys.ts';
import { SettingRefused } from '../config.ts';
import { databaseUrl, type Machine } from '../machine.ts';
import { recorderOf } from '../recorder.ts';

/** For whom the service stands: nobody signs in at the machine. */
const OPERATOR: Acting = SERVICE;
const ROLE = 'security-administrator';

const TOO_LATE =
  'a security administrator has a way in already; people are added and let in again on the page, under People';

/** Where people reach the web, which the link leads to. */
function publicUrlOf(machine: Machine): URL {
  const address = machine.settings.REHAB_PUBLIC_URL ?? machine.run?.web;
  if (!address) throw new SettingRefused('the web’s address is not known; set REHAB_PUBLIC_URL');
  const url = new URL(address);
  if (!passkeysWork(url))
    throw new SettingRefused(
      'passkeys need an address with a name, not with a number; set REHAB_PUBLIC_URL to the one people use',
    );
  return url;
}

/**
 * Adds the first security administrator, or makes a new link for one of that name who never got in.
 * @returns the link
 * @throws {SettingRefused} when somebody who holds the role has a passkey, or the name cannot be used
 */
export async function addFirst(
  {
    db,
    recorder,
    publicUrl,
  }: { readonly db: Database; readonly recorder: Recorder; readonly publicUrl: URL },
  given: { readonly name: string; readonly organisation: Organisation },
): Promise<string> {
  const read = readNewPerson({ ...given, role: ROLE, disciplines: [], lead: false, reason: '-' });
  if ('faults' in read)
    throw new SettingRefused('the name cannot be used; give one of 1 to 200 characters with --name');
  const held = await securityAdministrators(db);
  if (held.some(({ passkeys }) => passkeys > 0)) throw new SettingRefused(TOO_LATE);
  const { reason: _, ...person } = read.values;
  const { name, organisation } = person;
  const known = held.find((one) => one.name === name && one.organisation === organisation);
  const id = known?.id ?? randomUUID();
  // Refused now: somebody got in between the question and the answer.
  if (!known && isRefusal(await addStaff(recorder, `people-add-${id}`, OPERATOR, id, person)))
    throw new SettingRefused(TOO_LATE);
  const { link, tokenHash } = newLink(publicUrl);
  const key = `people-link-${randomUUID()}`;
  const { answer } = await makeInvitation(recorder, key, OPERATOR, { person: id, reason: null, tokenHash });
  if (isRefusal(answer)) throw new SettingRefused(TOO_LATE);
  return link;
}

/**
 * Prints the first security administrator's link, and on standard error what it is worth.
 * @throws {SettingRefused} as `addFirst` does, and when a setting is missing or the database's role may not
 */
export async function printFirst(
  machine: Machine,
  given: { readonly name: string; readonly organisation: Organisation },
): Promise<void> {
  const publicUrl = publicUrlOf(machine);
  await machine.secrets.keyStore.create('system', 'system');
  const { sql, db, close } = connect(databaseUrl(machine, 'web'), { max: 1, name: 'rehab-people' });
  try {
    const recorder = recorderOf(machine, sql);
    const link = await addFirst({ db, recorder, publicUrl }, given);
    console.error(
      `Security administrator: ${given.name}. The link works once, within ${INVITATION_HOURS} hours, and is kept nowhere.`,
    );
    process.stdout.write(`${link}\n`);
  } catch (error) {
    for (let e: unknown = error; e instanceof Error; e = e.cause)
      if ((e as { code?: unknown }).code === '42501')
        throw new SettingRefused('the database refuses; set REHAB_DATABASE_URL to that of rehab_web');
    throw error;
  } finally {
    await close();
  }
}
