// `rehab member approver`, `requests`, `approve` as an organisation's people run them, against a door that issues nothing without
// two of them. The authority behind the door is the test's; test/fabric/enrolment.test.ts has the real one.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, renameSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { serve } from '@hono/node-server';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { approve, listRequests, makeApprover } from '../../bin/commands/approve.ts';
import { SettingRefused } from '../../bin/config.ts';
import { softwareKey } from '../../bin/drive/software-key.ts';
import { memberPaths } from '../../engines/fabric/layout.ts';
import { enrolmentDoor } from '../../ledger/member/enrolment.ts';
import { keyOfRequest, testAuthority } from '../support/authority.ts';
import { freePortForTests } from '../support/engines.ts';
import { requestOf } from '../support/signing.ts';

const PERSON = '00000000-0000-8000-8000-000000000031';
let dataDir: string;
let folder: string;
let server: ReturnType<typeof serve>;
let door: string;
const certified: string[] = [];

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'rehab-test-approve-'));
  folder = memberPaths(dataDir, 'hospital').member;
  const authority = testAuthority('authority of the hospital');
  const app = enrolmentDoor({
    organisation: 'hospital',
    folder,
    authority: {
      issue: async ({ name, attributes, csr }) =>
        authority.issue({ publicKey: keyOfRequest(csr), name, attributes }),
      revoke: async () => {},
      crl: async () => authority.crl(),
    },
    chain: { certify: async ({ fingerprint }) => certified.push(fingerprint), revoke: async () => {} },
    demonstration: false,
    now: () => new Date(),
    note: () => {},
  });
  server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  door = `http://127.0.0.1:${(server.address() as AddressInfo).port}`; // a server on TCP
});
afterAll(async () => {
  server?.close();
  await rm(dataDir, { recursive: true, force: true });
});

const at = () => ({ dataDir, organisation: 'hospital' as const });

/** What a command says on its two streams, with its exit code, or the sentence with which it refuses. */
async function said(command: () => number | Promise<number>) {
  const out = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  const err = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const of = (spy: typeof out) => spy.mock.calls.map(([text]) => String(text)).join('');
  try {
    const code = await command();
    return { code, out: of(out), err: of(err) };
  } catch (error) {
    if (!(error instanceof SettingRefused)) throw error;
    return { code: 1, out: of(out), err: error.message };
  } finally {
    out.mockRestore();
    err.mockRestore();
  }
}
const requests = (all = false) => said(() => listRequests({ ...at(), all }));
const approver = (name: string) => said(() => makeApprover({ ...at(), name }));
const approveAs = (id: string, name: string, key?: string, where: string = door) =>
  said(() => approve({ ...at(), id, name, key, door: where }));

test('two of the organisation’s people approve a request, each seeing it; one alone, twice, or unknown, does not', async () => {
  const key = softwareKey();
  const csr = requestOf(PERSON, key);
  const asked = await fetch(`${door}/enrolments`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ person: PERSON, role: 'therapist', csr }),
  });
  const { id } = (await asked.json()) as { id: string };

  expect((await requests()).out).toMatch(
    new RegExp(`^${id} {2}enrolment, .*person ${PERSON} as therapist, .*waiting, approved by nobody\n$`),
  );
  // Nobody who was never given a key approves.
  expect(await approveAs(id, 'one')).toMatchObject({ code: 1, out: '' });
  for (const name of ['one', 'two']) expect((await approver(name)).code).toBe(0);
  expect(statSync(join(folder, 'people', 'one.key.pem')).mode & 0o777).toBe(0o600);

  const first = await approveAs(id, 'one');
  expect(first).toMatchObject({ code: 0, out: 'waiting, 1 of 2 have approved\n' });
  expect(first.err).toContain(`person ${PERSON} as therapist`);
  expect(await approveAs(id, 'one')).toMatchObject({ code: 2, out: '' });
  // Under the other's name the first one's key is nobody's.
  const own = join(folder, 'people', 'one.key.pem');
  expect(await approveAs(id, 'two', own)).toMatchObject({ code: 2 });
  expect(certified).toEqual([]);

  // The private half need not lie with the member.
  const away = join(dataDir, 'two.key.pem');
  renameSync(join(folder, 'people', 'two.key.pem'), away);
  expect(await approveAs(id, 'two')).toMatchObject({ code: 1 });
  expect(await approveAs(id, 'two', away)).toMatchObject({
    code: 0,
    out: 'issued, 2 of 2 have approved\n',
  });
  expect(certified).toHaveLength(1);
  expect(await requests()).toMatchObject({ code: 0, out: '' });
  expect((await requests(true)).out).toContain('issued, approved by one, two');
});

test('an unknown request, a name that is none, and a member that is away: one sentence each', async () => {
  const unknown = await approveAs('00000000-0000-8000-8000-000000000000', 'one');
  expect(unknown).toEqual({
    code: 1,
    out: '',
    err: 'no such request at the member of hospital; see "rehab member requests"',
  });
  expect((await approver('../one')).err).toBe(
    'a name is written in small letters, digits and dashes, 40 at most',
  );
  const id = readdirSync(join(folder, 'requests'))[0]?.slice(0, -'.json'.length) ?? '';
  const away = `http://127.0.0.1:${await freePortForTests()}`;
  expect((await approveAs(id, 'one', undefined, away)).err).toBe(
    'the member of hospital does not answer; start it, or correct --door',
  );
});

test('the command line knows them', async () => {
  const program = join(import.meta.dirname, '../../bin/rehab.mjs');
  const args = [program, 'member', 'requests', '--all', '--org', 'hospital', '--data', dataDir];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [out, [code]] = await Promise.all([
    text(child.stdout),
    once(child, 'close') as Promise<[number]>, // what `close` of a child is emitted with
  ]);
  expect(code).toBe(0);
  expect(out).toContain('issued, approved by one, two');
});
