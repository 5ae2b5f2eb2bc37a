// Composition: `rehab member approver`, `requests` and `approve`: what an organisation's own people do at their member. Each
// approval is one person's signature over the whole request, which is shown first; the member's door decides what two do.
// Reads the member's own folder; never signs what it did not show, and never signs for two.
import { createPublicKey } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Organisation } from '../../domain/consortium.ts';
import { memberPaths } from '../../engines/fabric/layout.ts';
import { likeItsFolder } from '../../engines/users.ts';
import {
  approvalBy,
  ensureApprover,
  readRequest,
  type StoredRequest,
} from '../../ledger/member/enrolment.ts';
import { SettingRefused } from '../config.ts';
import { readRunFile } from '../run-file.ts';

export interface AtMember {
  readonly dataDir: string;
  readonly organisation: Organisation;
}

/** A request in one line: what is asked, for whom, how it stands. */
function lineOf(request: StoredRequest): string {
  const asked =
    request.kind === 'enrolment'
      ? `a certificate for person ${request.person} as ${request.role}, key ${request.key.slice(0, 16)}…`
      : `the end of certificate ${request.fingerprint.slice(0, 16)}… from ${request.at} on, reason ${request.reason}`;
  const by = request.approvals.map(({ name }) => name).join(', ');
  return `${request.id}  ${request.kind}, asked ${request.askedAt}: ${asked}; ${request.state}, approved by ${by || 'nobody'}`;
}

/** Prints the requests that wait for approvals, or all of them. Returns the exit code. */
export function listRequests({ dataDir, organisation, all }: AtMember & { readonly all: boolean }): number {
  const { member: folder } = memberPaths(dataDir, organisation);
  const requests = readdirSync(join(folder, 'requests'))
    .filter((name) => name.endsWith('.json'))
    .flatMap((name) => readRequest(folder, name.slice(0, -'.json'.length)) ?? [])
    .filter(({ state }) => all || state === 'waiting')
    .sort((a, b) => (a.askedAt < b.askedAt ? -1 : 1));
  for (const request of requests) process.stdout.write(`${lineOf(request)}\n`);
  if (requests.length === 0) process.stderr.write('No request waits.\n');
  return 0;
}

/** Makes somebody's key pair in the member's folder, unless it is there, and prints its fingerprint. */
export async function makeApprover({
  dataDir,
  organisation,
  name,
}: AtMember & { readonly name: string }): Promise<number> {
  const { member: folder } = memberPaths(dataDir, organisation);
  await ensureApprover(folder, demandName(name));
  const people = join(folder, 'people');
  likeItsFolder(people);
  for (const ending of ['pub', 'key']) {
    try {
      likeItsFolder(join(people, `${name}.${ending}.pem`));
    } catch {
      // The private half was taken away, as it should be.
    }
  }
  const key = createPublicKey(readFileSync(join(people, `${name}.pub.pem`)));
  const x = key.export({ format: 'jwk' }).x;
  process.stdout.write(`${name} ${x}\n`);
  process.stderr.write(
    `${name} may approve at the member of ${organisation}. Give people/${name}.key.pem to ${name} alone and take it away from here; it is named with --key.\n`,
  );
  return 0;
}

/**
 * Shows a request, signs it as that person and hands the signature to the member. `door`: the member's address, when it
 * is not the one of the running machine; `key`: the person's private key, when it is not in the folder.
 * Returns 0 when the approval counts, 2 when the member does not take it. Throws SettingRefused.
 */
export async function approve({
  dataDir,
  organisation,
  id,
  name,
  door = readRunFile(dataDir)?.members?.[organisation],
  key,
}: AtMember & {
  readonly id: string;
  readonly name: string;
  readonly door?: string | undefined;
  readonly key?: string | undefined;
}): Promise<number> {
  const { member: folder } = memberPaths(dataDir, organisation);
  const request = readRequest(folder, id);
  if (request === undefined)
    throw new SettingRefused(`no such request at the member of ${organisation}; see "rehab member requests"`);
  if (door === undefined)
    throw new SettingRefused(
      `the member of ${organisation} is not known to run; name its address with --door`,
    );
  process.stderr.write(`${lineOf(request)}\n`);
  let approval: ReturnType<typeof approvalBy>;
  try {
    approval = approvalBy(folder, organisation, request, demandName(name), key);
  } catch (error) {
    if (error instanceof SettingRefused) throw error;
    throw new SettingRefused(
      `the private key of ${name} cannot be read; name its file with --key, or make one with "rehab member approver"`,
    );
  }
  const response = await fetch(`${door}/${request.kind}s/${id}/approvals`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(approval),
    signal: AbortSignal.timeout(30_000),
  }).catch(() => {
    throw new SettingRefused(`the member of ${organisation} does not answer; start it, or correct --door`);
  });
  const said = (await response.json()) as {
    readonly state?: string;
    readonly approvals?: number;
    readonly needed?: number;
    readonly fault?: string;
  };
  if (!response.ok) {
    process.stderr.write(`The member does not take it: ${said.fault ?? `status ${response.status}`}.\n`);
    return 2;
  }
  process.stdout.write(`${said.state}, ${said.approvals} of ${said.needed} have approved\n`);
  return 0;
}

function demandName(name: string): string {
  if (/^[a-z0-9-]{1,40}$/.test(name)) return name;
  throw new SettingRefused('a name is written in small letters, digits and dashes, 40 at most');
}
