// Engines: what `rehab doctor` says when things are wrong, each made wrong in turn (SECURITY.md R2).
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import {
  checkCertificates,
  checkClock,
  checkDataFolder,
  checkDurability,
  checkHeights,
  checkLogSize,
  checkMember,
  checkNamespace,
  checkNode,
  checkOrganisations,
  checkPeoplesEnds,
  checkReplacement,
  checkSpace,
  doctor,
  examine,
  floored,
  lineOf,
} from '../../bin/commands/doctor.ts';
import { ORGANISATIONS } from '../../domain/consortium.ts';
import { tryLock } from '../../engines/lock.ts';
import { RETENTION_MS } from '../../engines/temporal.ts';
import { temporaryFolder, testSettings } from '../support/engines.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let dataDir: string;

beforeEach(async () => {
  folder = await temporaryFolder();
  dataDir = join(folder.path, 'data');
});
afterEach(() => folder.remove());

const DURABLE = {
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  data_checksums: 'on',
  password_encryption: 'scram-sha-256',
};

test.each([
  ['24.21.0', 'ok'],
  ['24.17.0', 'ok'],
  ['24.16.9', 'trouble'],
  ['22.22.0', 'trouble'],
  ['25.0.0', 'trouble'],
])('Node %s: %s', (version, verdict) => {
  expect(checkNode(version).verdict).toBe(verdict);
});

test.each(Object.keys(DURABLE))('Postgres with %s set otherwise is trouble that names it', (name) => {
  expect(checkDurability(DURABLE).verdict).toBe('ok');
  const finding = checkDurability({ ...DURABLE, [name]: 'off' });
  expect(finding).toMatchObject({ verdict: 'trouble', says: `${name} is off` });
  expect(finding.remedy).toContain(`Set ${name} = `);
  const { [name]: _, ...rest } = DURABLE as Record<string, string>;
  expect(checkDurability(rest)).toMatchObject({ verdict: 'trouble', says: `${name} is unknown` });
});

test('an old version is a warning on loopback and trouble elsewhere', () => {
  const finding = { check: 'postgres version', verdict: 'ok', says: '18.4' } as const;
  expect(floored(finding, '18.4', '18.6', true).verdict).toBe('warn');
  expect(floored(finding, '18.4', '18.6', false)).toMatchObject({
    verdict: 'trouble',
    says: '18.4; older than 18.6',
  });
  expect(floored(finding, '18.6', '18.6', false)).toBe(finding);
});

test('clocks more than two seconds apart, in either direction, or unreadable', () => {
  expect([1_999, -1_999, 2_001, -2_001, Number.NaN].map((skew) => checkClock(skew).verdict)).toEqual([
    ...['ok', 'ok', 'trouble', 'trouble', 'trouble'],
  ]);
});

test('disk space: plenty, little, nearly none', () => {
  const gib = 2 ** 30;
  expect([8 * gib, 2 * gib, gib / 4].map((free) => checkSpace('/data', free).verdict)).toEqual([
    'ok',
    'warn',
    'trouble',
  ]);
});

test('a namespace that forgets too early, or lacks a search attribute', () => {
  expect(checkNamespace({ retentionMs: RETENTION_MS, missingAttributes: [] }).verdict).toBe('ok');
  expect(checkNamespace({ retentionMs: RETENTION_MS - 1, missingAttributes: [] }).verdict).toBe('trouble');
  expect(checkNamespace({ retentionMs: RETENTION_MS, missingAttributes: ['RehabStage'] })).toMatchObject({
    verdict: 'trouble',
    says: 'search attributes missing: RehabStage',
  });
});

test('peers at one height, at different heights, and one that says nothing', () => {
  expect(checkHeights({ hospital: 7, administration: 7, association: 7 }).verdict).toBe('ok');
  expect(checkHeights({ hospital: 7, administration: 6, association: 7 }).verdict).toBe('warn');
  expect(checkHeights({ hospital: 7, administration: undefined, association: 7 }).verdict).toBe('trouble');
  expect(checkHeights({ hospital: undefined, association: undefined }).verdict).toBe('trouble');
});

describe('the data folder', () => {
  test.each([
    ['keys', 0o755],
    ['keys/secret', 0o644],
    ['run.json', 0o640],
    ['.', 0o711],
  ])('%s open to others is trouble', (name, mode) => {
    mkdirSync(join(dataDir, 'keys'), { recursive: true, mode: 0o700 });
    for (const file of ['keys/secret', 'run.json']) writeFileSync(join(dataDir, file), '', { mode: 0o600 });
    expect(checkDataFolder(dataDir)[0]?.verdict).toBe('ok');
    chmodSync(join(dataDir, name), mode);
    expect(checkDataFolder(dataDir)[0]).toMatchObject({ check: 'data folder', verdict: 'trouble' });
  });

  test('that is not there yet is fine', () => {
    expect(checkDataFolder(dataDir)[0]?.verdict).toBe('ok');
  });
});

describe('the organisations', () => {
  const folders = [
    ...ORGANISATIONS.flatMap((name) => [`fabric/organisations/${name}`, `members/${name}`]),
    ...['keys', 'temporal', 'fabric/operator'],
  ];
  beforeEach(() => {
    for (const name of folders) mkdirSync(join(dataDir, name), { recursive: true });
    for (const name of folders) chmodSync(join(dataDir, name), 0o700);
  });

  test('under one system user are said to be so, and a folder that is open is trouble', () => {
    expect(checkOrganisations(dataDir)[0]).toMatchObject({ verdict: 'warn', remedy: expect.any(String) });
    chmodSync(join(dataDir, 'members/association'), 0o750);
    expect(checkOrganisations(dataDir)[0]).toMatchObject({
      verdict: 'trouble',
      says: 'other users may enter members/association',
    });
  });

  test.runIf(process.getuid?.() === 0)(
    'under one each are fine, and may walk through the data folder',
    () => {
      chmodSync(dataDir, 0o711);
      expect(checkDataFolder(dataDir)[0]?.verdict).toBe('trouble');
      for (const [at, name] of ORGANISATIONS.entries())
        for (const folder of [`fabric/organisations/${name}`, `members/${name}`])
          chownSync(join(dataDir, folder), 60_700 + at, 60_700 + at);
      expect(checkOrganisations(dataDir)[0]?.verdict).toBe('ok');
      expect(checkDataFolder(dataDir)[0]?.verdict).toBe('ok');
      chmodSync(dataDir, 0o755);
      expect(checkDataFolder(dataDir)[0]?.verdict).toBe('trouble');
    },
  );

  test('a member that is silent, or has an alarm, is trouble', () => {
    const well = { cosigned: { size: 7 }, alarms: [], looked: '2026-01-01T00:00:00.000Z' };
    expect(checkMember('hospital', well)).toMatchObject({ verdict: 'ok', says: 'cosigned size 7' });
    expect(checkMember('hospital', { ...well, looked: null }).verdict).toBe('warn');
    expect(checkMember('hospital', undefined)).toMatchObject({ verdict: 'trouble', says: 'does not answer' });
    const alarm = { kind: 'forked-log', says: 'The published log has another root.' };
    expect(checkMember('hospital', { ...well, alarms: [alarm] })).toMatchObject({
      verdict: 'trouble',
      says: 'an alarm stands: forked-log: The published log has another root.',
    });
  });
});

test('a key that is being replaced is told, with the command that finishes it', () => {
  expect(checkReplacement(undefined)).toMatchObject({ verdict: 'ok' });
  const cutOff = { key: 'new', former: 'old', until: 7 };
  expect(checkReplacement({ of: 'log', ...cutOff })).toMatchObject({
    verdict: 'warn',
    remedy: expect.stringContaining('"rehab keys rotate log"'),
  });
  expect(checkReplacement({ of: 'hospital', ...cutOff }).remedy).toContain('rotate witness --org hospital');
});

test('a database that is older than what was published of its log is trouble, with the way out', () => {
  expect(checkLogSize(12, 12)).toMatchObject({ verdict: 'ok' });
  expect(checkLogSize(13, 12)).toMatchObject({ verdict: 'ok' });
  expect(checkLogSize(11, 12)).toMatchObject({
    verdict: 'trouble',
    says: expect.stringContaining('ends at 11 and 12 entries were published'),
    remedy: expect.stringContaining('rehab restore DIR --only postgres'),
  });
});

const openssl = hasOpenssl();
if (!openssl) console.info('not run here: ends of certificates, because openssl is missing');

test('people whose last certificate ends soon are counted, with what they do', () => {
  expect(checkPeoplesEnds([])).toMatchObject({ verdict: 'ok' });
  expect(checkPeoplesEnds([-2, 6.5, 20])).toMatchObject({
    verdict: 'warn',
    says: '3 people have none that lasts longer than 30 days; the first has ended',
    remedy: expect.stringContaining('Your signing key'),
  });
  expect(checkPeoplesEnds([6.5]).says).toContain('ends in 6.5 days, within a week');
});

test.runIf(openssl)(
  'certificates: the one that ends first is named, at 30 days, at one, and when it has ended',
  () => {
    const place = join(dataDir, 'fabric', 'organisations');
    mkdirSync(place, { recursive: true });
    for (const [name, days] of [
      ['long', 365],
      ['short', 40],
    ] as const) {
      const key = [
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-keyout',
        join(place, `${name}.key`),
      ];
      const args = [
        'req',
        '-x509',
        ...key,
        '-out',
        join(place, `${name}.pem`),
        '-days',
        String(days),
        '-subj',
        '/CN=test',
      ];
      execFileSync('openssl', args, { stdio: 'ignore' });
    }
    const day = 86_400_000;
    const at = (days: number) => checkCertificates(dataDir, new Date(Date.now() + days * day))[0];
    expect(at(0)).toMatchObject({ verdict: 'ok', says: expect.stringContaining('2 certificates') });
    expect(at(15)).toMatchObject({ verdict: 'warn', says: expect.stringContaining('short.pem ends in') });
    expect(at(35)).toMatchObject({ verdict: 'warn', says: expect.stringContaining('within a week') });
    expect(at(39.5)).toMatchObject({ verdict: 'trouble' });
    expect(at(41)).toMatchObject({
      verdict: 'trouble',
      says: expect.stringContaining('short.pem has ended'),
    });
    // Each that nears its end has a line of its own, with what is done about its kind; copies of one are one.
    const tls = join(dataDir, 'fabric/organisations/hospital/crypto/x/peers/peer.x/tls');
    const operator = join(dataDir, 'fabric/operator/service');
    for (const folder of [tls, operator]) mkdirSync(folder, { recursive: true });
    copyFileSync(join(place, 'long.pem'), join(tls, 'server.crt'));
    renameSync(join(place, 'long.pem'), join(tls, 'copy.pem'));
    copyFileSync(join(place, 'short.pem'), join(operator, 'cert.pem'));
    rmSync(join(place, 'short.pem'));
    const both = checkCertificates(dataDir, new Date(Date.now() + 364.5 * day));
    expect(both).toMatchObject([
      {
        says: expect.stringContaining('service/cert.pem has ended'),
        remedy: expect.stringContaining('rehab keys renew'),
      },
      { says: expect.stringContaining('and 1 copies of it ends in'), verdict: 'trouble' },
    ]);
    renameSync(join(operator, 'cert.pem'), join(place, 'short.pem'));
    // One that was renewed stays for what was signed under it, and is no trouble.
    renameSync(join(place, 'short.pem'), join(place, 'former-0123456789abcdef.pem'));
    expect(at(41)).toMatchObject({ verdict: 'ok', says: expect.stringContaining('1 certificates') });
  },
);

describe('the whole of it', () => {
  const quiet = () =>
    testSettings({ PATH: process.env.PATH, HOME: folder.path, XDG_CACHE_HOME: join(folder.path, 'cache') });

  test('over an empty folder: nothing is made, and what could not be looked at is called not run', async () => {
    const findings = await examine({ dataDir, settings: quiet() });
    expect(findings.filter(({ verdict }) => verdict === 'not run').map(({ check }) => check)).toEqual([
      'organisations',
      'postgres settings',
      'log',
      'temporal namespace',
      'changes',
      'peers',
      'members',
      'certificates',
      'people’s certificates',
    ]);
    expect(findings.filter(({ verdict }) => verdict === 'trouble')).toEqual([]);
    await expect(import('node:fs/promises').then(({ readdir }) => readdir(folder.path))).resolves.toEqual([]);
  });

  test('engines that are missing while Go is missing too: trouble with the remedy, for each', async () => {
    const settings = { ...quiet(), environment: { PATH: folder.path } };
    const findings = await examine({ dataDir, settings });
    const missing = findings.filter(({ verdict }) => verdict === 'trouble');
    expect(missing.map(({ check }) => check)).toEqual([
      'temporal programs',
      'fabric programs',
      'fabric-ca programs',
    ]);
    for (const { remedy } of missing) expect(remedy).toMatch(/^Install Go .* or set /);
  });

  test('a run that was killed', async () => {
    mkdirSync(dataDir, { mode: 0o700 });
    const run = {
      web: 'http://127.0.0.1:1',
      ops: 'http://127.0.0.1:1',
      postgres: { owner: 'o', app: 'a' },
      temporal: 't:1',
    };
    const file = { ...run, fabric: { profile: 'p', channel: 'c', peers: {} }, pids: {} };
    writeFileSync(join(dataDir, 'run.json'), JSON.stringify(file), { mode: 0o600 });
    const findings = await examine({ dataDir, settings: quiet() });
    expect(findings.find(({ check }) => check === 'processes')).toMatchObject({ verdict: 'warn' });
  });

  test('a start that is under way is not called a dead one', async () => {
    mkdirSync(dataDir, { mode: 0o700 });
    const lock = tryLock(join(dataDir, 'lock'));
    const findings = await examine({ dataDir, settings: quiet() });
    expect(findings.find(({ check }) => check === 'processes')?.says).toBe('a start is under way');
    if ('release' in lock) lock.release();
  });

  test('a running Postgres is really asked', async () => {
    const settings = { ...quiet(), databaseUrl: inject('postgres').ownerUrl };
    const findings = await examine({ dataDir, settings });
    const about = (name: string) => findings.find(({ check }) => check === name)?.verdict;
    expect([about('postgres settings'), about('clock'), about('postgres version')]).toEqual([
      'ok',
      'ok',
      'warn',
    ]);
  });

  test('a check that cannot be made is trouble, and the others are still made', async () => {
    const settings = { ...quiet(), databaseUrl: 'postgres://nobody:nothing@127.0.0.1:1/none' };
    const findings = await examine({ dataDir, settings });
    expect(findings.find(({ check }) => check === 'postgres')).toMatchObject({ verdict: 'trouble' });
    expect(findings.at(-1)?.check).toBe('people’s certificates');
  });

  test('exit code 1 for trouble alone, and further checks of others take part', async () => {
    const written: string[] = [];
    const write = process.stdout.write;
    process.stdout.write = (text) => written.push(String(text)) > 0;
    try {
      const more = (verdict: 'warn' | 'trouble') => [
        async () => [{ check: 'staffing', verdict, says: 'seen' }],
      ];
      expect(await doctor({ dataDir, settings: quiet(), json: true, more: more('warn') })).toBe(0);
      expect(await doctor({ dataDir, settings: quiet(), json: true, more: more('trouble') })).toBe(1);
    } finally {
      process.stdout.write = write;
    }
    expect(written.map((text) => JSON.parse(text).status)).toEqual(['ok', 'trouble']);
  });

  test('a line says verdict, check, what was seen and what to do', () => {
    expect(lineOf({ check: 'disk', verdict: 'warn', says: '2 GiB free', remedy: 'Free some.' })).toBe(
      'warn    disk: 2 GiB free → Free some.',
    );
  });
});

function hasOpenssl(): boolean {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
