// Composition: the way to each organisation's member, by the door that the running machine names. Read anew for each request:
// the web is up before the members are, and a restart may move a door. Never follows a redirect, never retries.
import type { SendToMember } from '../web/keys/members.ts';
import type { Machine } from './machine.ts';
import { readRunFile } from './run-file.ts';

/** Sends to the doors that `run.json` of this data folder names; an organisation without one has no answer. */
export function memberDoors({ dataDir }: Pick<Machine, 'dataDir'>): SendToMember {
  return (of, path, init) => {
    const door = readRunFile(dataDir)?.members?.[of];
    return door === undefined ? undefined : fetch(new URL(path, door), { ...init, redirect: 'error' });
  };
}
