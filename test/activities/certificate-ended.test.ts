// The service's certificate ends while people work (SECURITY.md X20): nothing is recorded that verification could never take; what
// was recorded before stays good; and once it is renewed with the same key, the same act is done.
import { createPublicKey, generateKeyPairSync, verify, X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CertificateEnded, certificateHolds, entrySigner } from '../../ledger/signing.ts';
import { spki, testAuthority } from '../support/authority.ts';
import { createWorld, type World } from '../support/case-world.ts';
import { claim } from '../support/claim.ts';
import { onDatabase, submit } from '../support/stories.ts';

const authority = testAuthority();
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
const certificate = (minutes: number): string =>
  authority.issue({
    publicKey: spki(publicKey),
    attributes: { 'rehab.service': 'true' },
    notAfter: new Date(Date.now() + minutes * 60_000),
  });
const short = certificate(2);

let world: World;
beforeAll(async () => {
  world = await createWorld(undefined, { signer: entrySigner(privateKey, short) });
});
afterAll(() => world.close());

test('the service’s certificate ended: nothing is recorded until it is renewed, and what was recorded before stays good', async () => {
  const { caseId } = await submit(onDatabase(world));
  const entries = async () =>
    await world.recorder.sql<{ body: Uint8Array; signature: Uint8Array; at: string }[]>`
      select body, signature, at from audit_entries order by xact, subject_version`;
  const before = await entries();
  const [task] = await world.recorder.sql<{ id: string }[]>`
    select id from tasks where case_id = ${caseId} and status = 'open'`;
  const id = task?.id as string;

  world.setClock(() => new Date(Date.now() + 3 * 60_000));
  await expect(claim(world, 'officerA', id)).rejects.toThrow(CertificateEnded);
  await expect(claim(world, 'officerA', id)).rejects.toThrow(/run "rehab keys renew"/);
  expect(await entries()).toHaveLength(before.length);

  // As after a start: the same key, certified again.
  const renewed = certificate(60);
  Object.assign(world.recorder, { signer: entrySigner(privateKey, renewed) });
  expect(await claim(world, 'officerA', id)).toBeGreaterThan(0);
  const after = await entries();
  expect(after).toHaveLength(before.length + 1);

  const roots = [new X509Certificate(authority.root)];
  const first = before[0];
  expect(certificateHolds(new X509Certificate(short), roots, new Date(first?.at ?? ''))).toBe(true);
  expect(certificateHolds(new X509Certificate(short), roots, new Date(after.at(-1)?.at ?? ''))).toBe(false);
  for (const { body, signature } of after)
    expect(
      verify('sha256', body, { key: createPublicKey(privateKey), dsaEncoding: 'ieee-p1363' }, signature),
    ).toBe(true);
});
