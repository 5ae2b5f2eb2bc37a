// Station 6, the door's address plate: the profile file that says where the channel is and who we may be on it.
// Promise: a profile that was read is complete, and its paths are absolute. Never holds a key, only where one lies.
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { MSP_IDS, ORGANISATIONS, type Organisation } from '../../domain/consortium.ts';

const identity = z.strictObject({ certPath: z.string().min(1), keyPath: z.string().min(1) });

const address = z
  .string()
  .regex(/^[^\s/:]+:[1-9][0-9]{0,4}$|^\[[0-9a-f:.]+\]:[1-9][0-9]{0,4}$/i, 'must be HOST:PORT');

/** `hostname` is the name in the peer's TLS certificate. */
const peer = z.strictObject({ address, tlsCaPath: z.string().min(1), hostname: z.string().min(1) });

/** `rootPath` is the certificate of the authority itself: what every identity of the organisation descends from. */
const ca = z.strictObject({
  url: z.url({ protocol: /^https$/ }),
  tlsCaPath: z.string().min(1),
  name: z.string(),
  rootPath: z.string().min(1),
});

const organisation = z.strictObject({
  mspId: z.enum(Object.values(MSP_IDS)),
  peer,
  ca,
  identities: z.record(z.string(), identity),
});

/** The profile as it is written. Relative paths count from the profile's own folder, so that it can be moved. */
export const fabricProfileSchema = z.strictObject({
  channel: z.string().min(1),
  chaincode: z.string().min(1),
  organisations: z.record(z.enum(ORGANISATIONS), organisation),
});

/** One organisation's part, as its member has it: its own peer, its own authority, its own identity, nobody else's. */
export const memberProfileSchema = z.strictObject({
  channel: z.string().min(1),
  chaincode: z.string().min(1),
  organisation: z.enum(ORGANISATIONS),
  peer,
  ca,
  identity,
});

export type FabricProfile = z.infer<typeof fabricProfileSchema>;
export type MemberProfile = z.infer<typeof memberProfileSchema>;
export type IdentityFiles = z.infer<typeof identity>;
export type PeerAddress = z.infer<typeof peer>;

/** The profile cannot be used; `message` says which part and what to do. */
export class ProfileTrouble extends Error {
  override readonly name = 'ProfileTrouble';
}

/** Reads and checks a profile; its paths come back absolute. Throws ProfileTrouble. */
export function readFabricProfile(path: string): FabricProfile {
  return withAbsolutePaths(readProfile(path, fabricProfileSchema), dirname(resolve(path)));
}

/** Reads and checks a member's part; its paths come back absolute. Throws ProfileTrouble. */
export function readMemberProfile(path: string): MemberProfile {
  const profile = readProfile(path, memberProfileSchema);
  const folder = dirname(resolve(path));
  const { peer, ca, identity } = profile;
  return {
    ...profile,
    peer: { ...peer, tlsCaPath: resolve(folder, peer.tlsCaPath) },
    ca: { ...ca, tlsCaPath: resolve(folder, ca.tlsCaPath), rootPath: resolve(folder, ca.rootPath) },
    identity: { certPath: resolve(folder, identity.certPath), keyPath: resolve(folder, identity.keyPath) },
  };
}

function readProfile<T>(path: string, schema: z.ZodType<T>): T {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    throw new ProfileTrouble(
      `Fabric profile cannot be read; start the engines or correct FABRIC_PROFILE: ${path}`,
    );
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ProfileTrouble(`Fabric profile is not JSON; write it anew: ${path}`);
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new ProfileTrouble(
      `Fabric profile is wrong; correct this part: ${issue?.path.join('.')} ${issue?.message} (${path})`,
    );
  }
  return parsed.data;
}

/** The files of one identity, or ProfileTrouble when the profile does not give it. */
export function identityFiles(profile: FabricProfile, of: Organisation, name: string): IdentityFiles {
  const found = profile.organisations[of].identities[name];
  if (found === undefined) {
    throw new ProfileTrouble(
      `Fabric profile lacks an identity; enrol it at that organisation's CA: ${of}.${name}`,
    );
  }
  return found;
}

function withAbsolutePaths(profile: FabricProfile, folder: string): FabricProfile {
  const organisations = Object.fromEntries(
    ORGANISATIONS.map((name) => {
      const { mspId, peer, ca, identities } = profile.organisations[name];
      return [
        name,
        {
          mspId,
          peer: { ...peer, tlsCaPath: resolve(folder, peer.tlsCaPath) },
          ca: { ...ca, tlsCaPath: resolve(folder, ca.tlsCaPath), rootPath: resolve(folder, ca.rootPath) },
          identities: Object.fromEntries(
            Object.entries(identities).map(([id, { certPath, keyPath }]) => [
              id,
              { certPath: resolve(folder, certPath), keyPath: resolve(folder, keyPath) },
            ]),
          ),
        },
      ];
    }),
  );
  // The cast holds: the entries above are one per organisation.
  return { ...profile, organisations: organisations as FabricProfile['organisations'] };
}
