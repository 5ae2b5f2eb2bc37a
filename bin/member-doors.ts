// Composition: the way to each organisation's member, by the door that a setting or the running machine names. The machine's is
// read anew for each request: the web is up before the members are, and a restart may move a door. Never follows a redirect.
import type { Organisation } from '../domain/consortium.ts';
import type { SigningDeps } from '../web/deps.ts';
import { membersOver, type SendToMember } from '../web/keys/members.ts';
import { authorityRoots, type Machine } from './machine.ts';
import { readRunFile } from './run-file.ts';

/** Where each member answers: as `REHAB_MEMBERS` says, else as `run.json` of this data folder does. */
export const memberUrls = (
  machine: Pick<Machine, 'dataDir' | 'settings'>,
): Readonly<Partial<Record<Organisation, string>>> =>
  machine.settings.REHAB_MEMBERS ?? readRunFile(machine.dataDir)?.members ?? {};

/** Sends to those doors; an organisation without one has no answer. Never retries. */
export function memberDoors(machine: Pick<Machine, 'dataDir' | 'settings'>): SendToMember {
  return (of, path, init) => {
    const door = memberUrls(machine)[of];
    return door === undefined ? undefined : fetch(new URL(path, door), { ...init, redirect: 'error' });
  };
}

/** What the web judges personal signatures with, and has keys certified by. `note` is told of a member that does not answer. */
export const signingOf = (machine: Machine, note: (error: unknown) => void): SigningDeps => ({
  roots: authorityRoots(machine),
  members: membersOver(memberDoors(machine), note),
});
