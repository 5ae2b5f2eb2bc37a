// A whole machine with its three members, as a start as root keeps them apart: who can read whose secrets, what somebody with
// every secret of the hospital gets from the other organisations, where a member's network leads, and what a kill leaves.
// What needs root, or a network of a process's own, says so where the machine does not let us.
import { spawnSync } from 'node:child_process';
import { createPrivateKey, type KeyObject, randomUUID, sign, X509Certificate } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { softwareKey } from '../../bin/drive/software-key.ts';
import { ORGANISATIONS, type Organisation } from '../../domain/consortium.ts';
import { networkTools } from '../../engines/doors.ts';
import { memberPaths, organisationPaths } from '../../engines/fabric/layout.ts';
import { readPorts } from '../../engines/ports.ts';
import { OWNERS, type Owner, type SystemUser, separationOf } from '../../engines/users.ts';
import { fingerprintOf, readCertificate } from '../../ledger/certificates.ts';
import { enrolmentName } from '../../ledger/certification-request.ts';
import { type Envelope, envelopeBytes } from '../../ledger/envelope.ts';
import { certificationRequestFor, enroll, fabricAuthority, register } from '../../ledger/fabric/ca.ts';
import { openMemberChain } from '../../ledger/fabric/client.ts';
import { readFabricProfile, readMemberProfile } from '../../ledger/fabric/profile.ts';
import { ChainRefusal } from '../../ledger/fabric/trouble.ts';
import { approvalBy, approvalBytes, ensureApprover, readRequest } from '../../ledger/member/enrolment.ts';
import { certifiedBy } from '../../ledger/personal.ts';
import { nodeHashing } from '../../ledger/record-key.ts';
import { verifyP256 } from '../../ledger/signing.ts';
import { startMachine, type TestMachine } from '../support/machine.ts';
import { memberStatus, startMemberProcess } from '../support/member-process.ts';
import { requestOf } from '../support/signing.ts';

const { users, why } = separationOf(join(tmpdir(), 'data'));
const tools = users && networkTools();
if (users === undefined) console.info(`not run here: system users of the organisations, because ${why}`);
if (tools === undefined)
  console.info('not run here: members’ own networks, because unshare, ip and setpriv do not work here');

const PERSON = '00000000-0000-8000-8000-000000000021';
let machine: TestMachine;
const cleanUp: (() => unknown)[] = [];

beforeAll(async () => {
  machine = await startMachine(() => {}, { reachable: true });
}, 300_000);
afterAll(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
  await machine?.stop();
}, 180_000);

/** Every file below a folder. */
const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

/** Where an owner's secrets lie. */
const foldersOf = (owner: Owner): string[] =>
  owner === 'operator'
    ? ['keys', 'fabric/operator', 'temporal'].map((name) => join(machine.dataDir, name))
    : [organisationPaths(machine.dataDir, owner).folder, memberPaths(machine.dataDir, owner).member];

/** What a process of that user meets that reads these files, tried by such a process: `read`, or the error's code. */
function triedBy({ uid, gid }: SystemUser, files: readonly string[]): string[] {
  const script = `
    const { readFileSync } = require('node:fs');
    const files = readFileSync(0, 'utf8').split('\\n');
    process.stdout.write(files.map((file) => { try { readFileSync(file); return 'read'; } catch (error) { return error.code; } }).join('\\n'));`;
  const { stdout, status, stderr } = spawnSync(process.execPath, ['-e', script], {
    uid,
    gid,
    cwd: '/',
    env: {},
    input: files.join('\n'),
    encoding: 'utf8',
    maxBuffer: 2 ** 24,
  });
  if (status !== 0) throw new Error(`reader failed: ${stderr}`);
  return stdout.split('\n');
}

/** Those of the files that a process of that user can read. */
function readableBy(user: SystemUser, files: readonly string[]): string[] {
  const met = triedBy(user, files);
  return files.filter((_, index) => met[index] === 'read');
}

describe.runIf(users)('a system user for each organisation', () => {
  test('each process runs as its organisation’s, and web, worker, ledger and Temporal as the operator’s', () => {
    const uidOf = (name: string) =>
      Number(/^Uid:\t(\d+)/m.exec(readFileSync(`/proc/${machine.run().pids[name]}/status`, 'utf8'))?.[1]);
    for (const of of ORGANISATIONS)
      for (const kind of ['ca', 'orderer', 'peer', 'chaincode', 'member'])
        expect(`${kind}-${of} ${uidOf(`${kind}-${of}`)}`).toBe(`${kind}-${of} ${users?.[of].uid}`);
    for (const name of ['web', 'worker', 'ledger', 'temporal'])
      expect(`${name} ${uidOf(name)}`).toBe(`${name} ${users?.operator.uid}`);
    const everybody = new Set([...OWNERS.map((owner) => users?.[owner].uid), 0, uidOf('postgres')]);
    expect(everybody.size).toBe(OWNERS.length + 2);
  });

  test.each(OWNERS)('%s reads its own secrets and nobody else’s', (owner) => {
    const user = users?.[owner] as SystemUser;
    for (const other of OWNERS) {
      const files = foldersOf(other).flatMap(filesBelow);
      expect(files.length).toBeGreaterThan(3);
      const met = triedBy(user, files);
      // Its own processes go on working: a file that was listed may have been renamed or removed since.
      const right = owner === other ? ['read', 'ENOENT'] : ['EACCES'];
      const wrong = files.flatMap((file, index) =>
        right.includes(met[index] ?? '') ? [] : [`${owner} meets ${met[index]} at ${file}`],
      );
      expect(wrong.join('\n')).toBe('');
      if (owner === other) expect(met.filter((one) => one === 'read').length).toBeGreaterThan(3);
    }
    const addresses = join(machine.dataDir, 'run.json');
    expect(readableBy(user, [addresses])).toEqual(owner === 'operator' ? [addresses] : []);
  });

  test('Postgres’ own user reads no organisation’s secrets either', () => {
    const { uid, gid } = lstatSync(join(machine.dataDir, 'postgres'));
    expect(readableBy({ uid, gid }, OWNERS.flatMap(foldersOf).flatMap(filesBelow))).toEqual([]);
  });

  test('everything that an operator’s process is given by name, it can read', () => {
    const path = machine.run().fabric.profile;
    const profile = readFabricProfile(path);
    const wanted = [
      path,
      ...ORGANISATIONS.flatMap((of) => {
        const { peer, ca } = profile.organisations[of];
        return [peer.tlsCaPath, ca.tlsCaPath, ca.rootPath];
      }),
      ...['reader', 'ledger', 'service'].flatMap((name) => {
        const files = profile.organisations.hospital.identities[name];
        return files === undefined ? [] : [files.certPath, files.keyPath];
      }),
    ];
    expect(readableBy(users?.operator as SystemUser, wanted)).toEqual(wanted);
  });
});

describe('a member', () => {
  test.each(ORGANISATIONS)('of %s has nothing of the hospital’s stores in its environment', (of) => {
    const environment = readFileSync(`/proc/${machine.run().pids[`member-${of}`]}/environ`, 'latin1').split(
      '\0',
    );
    expect(environment.some((one) => one.startsWith('REHAB_LOG_URL='))).toBe(true);
    const { owner, app } = machine.run().postgres;
    for (const one of environment) {
      expect(one).not.toMatch(/^(DATABASE_URL|REHAB_DATABASE_URL|TEMPORAL_\w+|PG\w+|FABRIC_PROFILE)=/);
      for (const url of [owner, app]) expect(one).not.toContain(new URL(url).password);
    }
  });

  test.runIf(tools).each(ORGANISATIONS)(
    'of %s reaches its own peer, its own authority and the published log, and nothing else of this machine',
    (of) => {
      const pid = machine.run().pids[`member-${of}`];
      const script = `
        const { connect } = require('node:net');
        const ports = process.argv.slice(1).map(Number);
        const reached = (port) => new Promise((done) => {
          const socket = connect({ port, host: '127.0.0.1' });
          socket.once('connect', () => { socket.destroy(); done(true); });
          socket.once('error', () => done(false));
        });
        Promise.all(ports.map(async (port) => await reached(port) ? [port] : []))
          .then((found) => console.log(JSON.stringify(found.flat())));`;
      const all = readPorts(machine.dataDir);
      const web = Number(new URL(machine.run().web).port);
      const own = [all[`peer-${of}`], all[`ca-${of}`], all[`member-${of}`], web].sort();
      const ports = [...new Set([...Object.values(all), web])].map(String);
      expect(ports).toEqual(
        expect.arrayContaining([all.postgres, all.temporal, all['worker-ops']].map(String)),
      );
      const inside = spawnSync(
        '/usr/bin/nsenter',
        ['--net', '--target', String(pid), '--', process.execPath, '-e', script, ...ports],
        { encoding: 'utf8' },
      );
      expect(inside.stderr).toBe('');
      expect((JSON.parse(inside.stdout) as number[]).sort()).toEqual(own);
      // The same question from outside: the ports are open, so it is the network that keeps them away.
      const outside = spawnSync(process.execPath, ['-e', script, ...ports], { encoding: 'utf8' });
      expect(JSON.parse(outside.stdout)).toHaveLength(ports.length);
    },
  );

  test.each(ORGANISATIONS)('of %s comes back after kill -9 with its last cosigned state', async (of) => {
    await vi.waitFor(async () => expect((await memberStatus(machine, of)).cosigned).not.toBeNull(), 60_000);
    const before = await memberStatus(machine, of);
    const kept = JSON.parse(
      await readFile(join(memberPaths(machine.dataDir, of).member, 'state.json'), 'utf8'),
    );
    const pid = machine.run().pids[`member-${of}`] as number;
    process.kill(pid, 'SIGKILL');
    await vi.waitFor(() => expect(machine.run().pids[`member-${of}`] ?? pid).not.toBe(pid), 60_000);
    await vi.waitFor(async () => expect((await memberStatus(machine, of)).looked).not.toBeNull(), {
      timeout: 60_000,
      interval: 200,
    });
    const after = await memberStatus(machine, of);
    expect(after.cosigned?.size).toBeGreaterThanOrEqual(before.cosigned?.size ?? 0);
    expect(after.alarms).toEqual([]);
    const now = JSON.parse(
      await readFile(join(memberPaths(machine.dataDir, of).member, 'state.json'), 'utf8'),
    );
    // Unless it has cosigned growth since, it is the very line.
    if (now.cosigned.size === kept.cosigned.size) expect(now.cosigned).toEqual(kept.cosigned);
  });
});

describe('with every secret of the hospital in hand', () => {
  /** Private keys, certificates with their keys, and words, out of all files that the hospital has. */
  function secretsOfHospital() {
    const files = [...foldersOf('operator'), ...foldersOf('hospital')]
      .flatMap(filesBelow)
      .filter((file) => lstatSync(file).size < 20_000)
      .map((file) => readFileSync(file, 'utf8'));
    const keys = files.flatMap((text): KeyObject[] => {
      try {
        return text.includes('PRIVATE KEY') ? [createPrivateKey(text)] : [];
      } catch {
        return [];
      }
    });
    const certificates = files.filter((text) => text.startsWith('-----BEGIN CERTIFICATE'));
    const identities = certificates.flatMap((certificate) => {
      const { publicKey } = new X509Certificate(certificate);
      return keys
        .filter((key) => new X509Certificate(certificate).checkPrivateKey(key) && publicKey !== undefined)
        .map((key) => ({ certificate, privateKey: String(key.export({ type: 'pkcs8', format: 'pem' })) }));
    });
    const words = [
      ...new Set(files.map((text) => text.trim()).filter((text) => /^[\w-]{16,128}$/.test(text))),
    ];
    return { keys, identities, words };
  }

  const authorityOf = (of: Organisation) => {
    const { url, name, tlsCaPath } = readMemberProfile(memberPaths(machine.dataDir, of).memberProfile).ca;
    return { url, name, tlsCa: readFileSync(tlsCaPath, 'utf8') };
  };

  const asking = (person: string) => {
    const key = softwareKey();
    return { key, csr: requestOf(person, key) };
  };

  const post = async (url: string, body: unknown) => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };

  test.each(['administration', 'association'] as const)(
    'the authority of %s gives no certificate',
    async (of) => {
      const { keys, identities, words } = secretsOfHospital();
      // What the hospital has: its registrar, its administrator, its nodes, its ledger, its member, its people’s keys.
      expect(keys.length).toBeGreaterThan(10);
      expect(identities.length).toBeGreaterThan(8);
      expect(words.length).toBeGreaterThan(10);
      const ca = authorityOf(of);
      const key = String(
        keys
          .find(({ asymmetricKeyType }) => asymmetricKeyType === 'ec')
          ?.export({ type: 'pkcs8', format: 'pem' }),
      );
      const attributes = { 'rehab.person': PERSON, 'rehab.role': 'approval-officer' };
      let refused = 0;
      for (const registrar of identities) {
        const identity = { id: `person-${refused}`, secret: 'one-time', attributes };
        await expect(register(ca, registrar, identity)).rejects.toThrow('CA refused');
        await expect(fabricAuthority(ca, registrar).revoke('registrar')).rejects.toThrow('CA refused');
        refused += 1;
      }
      for (const id of ['registrar', 'member']) {
        for (const secret of words)
          await expect(enroll(ca, { id, secret, csr: certificationRequestFor(id, key) })).rejects.toThrow(
            'CA refused',
          );
      }
      // The same words and hands do open the hospital’s own authority: so it is not the trying that fails.
      const own = authorityOf('hospital');
      const opened = await Promise.all(
        identities.map((registrar) =>
          register(own, registrar, { id: `person-of-${of}`, secret: 'one-time', attributes: {} }).then(
            () => true,
            () => false,
          ),
        ),
      );
      expect(opened).toContain(true);
    },
    120_000,
  );

  test('the member of another organisation issues nothing, and nobody signs in the name of its people', async () => {
    const { keys } = secretsOfHospital();
    const member = await startMemberProcess(machine, 'administration');
    cleanUp.push(member.stop);
    const { url, folder } = member;
    const { key, csr } = asking(PERSON);
    const asked = await post(`${url}/enrolments`, { person: PERSON, role: 'approval-officer', csr });
    expect(asked).toMatchObject({
      status: 202,
      body: { state: 'waiting', approvals: 0, demonstration: false },
    });
    const id = String(asked.body.id);
    for (const one of ['one', 'two']) await ensureApprover(folder, one);
    const request = readRequest(folder, id);
    if (!request) throw new Error('request is missing');

    // Every key that signs like an approver's, under every name that counts.
    const bytes = approvalBytes('administration', request);
    const able = keys.filter(({ asymmetricKeyType }) => asymmetricKeyType === 'ed25519');
    expect(able.length).toBeGreaterThan(0);
    for (const name of ['one', 'two', 'registrar-one', 'registrar-two'])
      for (const hospital of able) {
        const signature = sign(null, bytes, hospital).toString('base64url');
        expect((await post(`${url}/enrolments/${id}/approvals`, { name, signature })).status).toBe(403);
      }
    expect(await (await fetch(`${url}/enrolments/${id}`)).json()).toMatchObject({
      state: 'waiting',
      approvals: 0,
    });

    // Its own two people do open it.
    for (const name of ['one', 'two'])
      await post(`${url}/enrolments/${id}/approvals`, approvalBy(folder, 'administration', request, name));
    const issued = (await (await fetch(`${url}/enrolments/${id}`)).json()) as {
      state: string;
      certificate: string;
    };
    expect(issued.state).toBe('issued');
    const officer = readCertificate(issued.certificate);
    const rootOf = (of: Organisation) => readFileSync(memberPaths(machine.dataDir, of).memberRoot, 'utf8');
    if (!officer) throw new Error('certificate cannot be read');
    expect(certifiedBy(officer, [rootOf('administration')])).toBe(true);

    // An envelope in the officer's name: signed by the officer it holds, by no key of the hospital.
    const fingerprint = fingerprintOf(officer, nodeHashing.hash);
    const envelope: Envelope = {
      v: 1,
      who: PERSON,
      role: 'approval-officer',
      certificate: fingerprint,
      case: 'a'.repeat(64),
      task: null,
      claim: null,
      action: 'approve',
      operation: randomUUID(),
      statement: 'b'.repeat(64),
      input: 'c'.repeat(64),
      at: new Date().toISOString(),
      parameters: 'test',
    };
    const signed = envelopeBytes(envelope);
    expect(verifyP256(officer.publicKey, signed, Buffer.from(key.sign(signed), 'base64url'))).toBe(true);
    const holding = keys
      .filter(({ asymmetricKeyDetails }) => asymmetricKeyDetails?.namedCurve === 'prime256v1')
      .filter((hospital) =>
        verifyP256(
          officer.publicKey,
          signed,
          sign('sha256', signed, { key: hospital, dsaEncoding: 'ieee-p1363' }),
        ),
      );
    expect(holding).toEqual([]);

    // A certificate in the officer's name out of the hospital's own authority: the officer's organisation did not give it.
    const registrarFolder = memberPaths(machine.dataDir, 'hospital').registrar;
    const registrar = {
      certificate: readFileSync(join(registrarFolder, 'cert.pem'), 'utf8'),
      privateKey: readFileSync(join(registrarFolder, 'key.pem'), 'utf8'),
    };
    const forged = asking(PERSON);
    const pem = await fabricAuthority(authorityOf('hospital'), registrar).issue({
      name: enrolmentName(PERSON, forged.key.name),
      secret: 'one-time',
      attributes: { 'rehab.person': PERSON, 'rehab.role': 'approval-officer' },
      csr: forged.csr,
    });
    const forgery = readCertificate(pem);
    if (!forgery) throw new Error('certificate cannot be read');
    expect(certifiedBy(forgery, [rootOf('administration')])).toBe(false);

    // And on the chain the hospital speaks for itself alone: it neither takes the officer's certificate nor ends it.
    const chain = openMemberChain(readMemberProfile(memberPaths(machine.dataDir, 'hospital').memberProfile));
    cleanUp.push(() => chain.close());
    expect((await chain.certificateOf(fingerprint))?.organisation).toBe('administration');
    const facts = { person: PERSON, role: 'approval-officer' };
    const times = { notBefore: officer.notBefore, notAfter: officer.notAfter };
    await expect(chain.certify({ fingerprint, ...facts, ...times })).rejects.toMatchObject({
      name: ChainRefusal.name,
      code: 'ALREADY_CERTIFIED',
    });
    await expect(chain.revoke(fingerprint, new Date().toISOString(), 'keyCompromise')).rejects.toMatchObject({
      name: ChainRefusal.name,
      code: 'NOT_FOUND',
    });
    const own = await chain.certify({
      fingerprint: fingerprintOf(forgery, nodeHashing.hash),
      ...facts,
      notBefore: forgery.notBefore,
      notAfter: forgery.notAfter,
    });
    expect(own.organisation).toBe('hospital');
  }, 120_000);
});
