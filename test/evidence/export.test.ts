// The whole log as files: written from a real database and a channel's blocks, and checked from the folder alone. Every kind of file that is
// changed, cut or taken away is named; nothing of the export is believed because it lies there.
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runExport } from '../../bin/commands/export.ts';
import { folderFiles, writeExport } from '../../bin/export.ts';
import { NODE_CRYPTO } from '../../bin/node-crypto.ts';
import { lengthPrefixed, piecesOf, verifyExport } from '../../ledger/export.ts';
import { createEvidenceWorld, type EvidenceWorld } from './world.ts';

let w: EvidenceWorld;
let folder: string;
let size: number;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rehab-export-'));
  w = await createEvidenceWorld();
  await w.live(['approved', 'refused']);
  // Past a whole tile, so that there are tiles of two heights.
  for (let i = 0; i < 22; i++) await w.live(['refused', 'appealed', 'withdrawn']);
  size = await writeExport(exportFrom(), join(folder, 'sound'));
}, 300_000);
afterAll(async () => {
  await w?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** All members' cosignatures of the newest checkpoint. */
async function cosignatures() {
  const [newest] = await w.world.worker.sql<{ size: string; note: string }[]>`
    select size, note from log_checkpoints order by size desc limit 1`;
  if (!newest) return [];
  const lines = (await w.cosign(newest.note)).slice(newest.note.length).split('\n');
  return lines.filter((line) => line !== '').map((line) => ({ size: Number(newest.size), line }));
}

const exportFrom = () => ({
  cosignatures,
  db: w.world.worker.db,
  serviceCertificates: [w.serviceCertificate],
  revocations: w.from.revocations,
  blockHeight: w.channel.height,
  block: w.channel.block,
  anchored: w.anchored,
  trust: JSON.stringify(w.trust),
  now: () => new Date(),
  progress: () => undefined,
});
const check = (name: string, trust = w.trust) =>
  verifyExport({
    files: folderFiles(join(folder, name)),
    trust,
    crypto: NODE_CRYPTO,
    clock: () => performance.now(),
    progress: () => undefined,
  });

/** A copy of the sound export with one file changed. */
function but(name: string, path: string, change: (bytes: Buffer) => Uint8Array | undefined): string {
  cpSync(join(folder, 'sound'), join(folder, name), { recursive: true });
  const file = join(folder, name, path);
  const changed = change(readFileSync(file));
  if (changed) writeFileSync(file, changed);
  else rmSync(file);
  return name;
}
const flip = (at: number) => (bytes: Buffer) => {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] as number) ^ 1;
  return copy;
};

describe('an export', () => {
  test('is sound, and says how much it holds', async () => {
    expect(size).toBeGreaterThan(256);
    const report = await check('sound');
    expect(report.findings).toEqual([]);
    expect(report).toMatchObject({
      status: 'sound',
      size,
      counts: {
        entries: size,
        leaves: size,
        anchored: { hospital: size, association: size, administration: 0 },
      },
    });
  });

  test.each([
    ['an entry', 'entries/000', 900, 'audit_entries'],
    ['a leaf in a tile', 'tile/0/000', 33, 'audit_entries'],
    ['a commitment', 'tile/entries/000', 40, 'audit_entries'],
    ['a tile above', 'tile/1/000.p/1', 5, 'log_tiles'],
    ['the newest checkpoint', 'checkpoint', 30, 'log_checkpoints'],
    ['an older checkpoint', 'checkpoints', 20, 'log_checkpoints'],
  ])('%s with one bit changed is named', async (name, path, at, table) => {
    const report = await check(but(name.replaceAll(' ', '-'), path, flip(at)));
    expect(report.status).toBe('tampered');
    expect(report.findings.map((finding) => finding.table)).toContain(table);
  });

  test('cosignatures: too few are said to be, one that is not right is named, and other witnesses count for nothing', async () => {
    const without = (count: number) => (bytes: Buffer) =>
      Buffer.from(
        bytes
          .toString()
          .split('\n')
          .slice(0, -1 - count)
          .join('\n')
          .concat('\n'),
      );
    expect((await check(but('two-of-three', 'checkpoint', without(1)))).status).toBe('sound');
    const few = await check(but('one-of-three', 'checkpoint', without(2)));
    expect(few.status).toBe('unreadable');
    expect(few.findings.map(({ says }) => says)).toEqual([
      expect.stringMatching(/^Checkpoint is cosigned by 1 of 3 members, 2 are needed/),
    ]);
    const altered = await check(
      but('cosignature', 'checkpoint', (bytes) => {
        const at = bytes.length - 20;
        const copy = Buffer.from(bytes);
        copy[at] = copy[at] === 0x41 ? 0x42 : 0x41;
        return copy;
      }),
    );
    expect(altered.findings.map(({ table, kind }) => [table, kind])).toEqual([
      ['log_cosignatures', 'replaced-signature'],
    ]);
    const strangers = await check('sound', { ...w.trust, witnesses: {} });
    expect(strangers.status).toBe('unreadable');
  });

  test('a block, a certificate, a list', async () => {
    const [block = ''] = readdirSync(join(folder, 'sound', 'blocks'));
    const changed = await check(but('block', `blocks/${block}`, flip(400)));
    expect(changed.findings[0]).toMatchObject({ store: 'chain', kind: 'forged', row: block });
    const none = await check(but('no-block', `blocks/${block}`, () => undefined));
    expect(none).toMatchObject({ status: 'unreadable' });
    const uncertified = await check(but('certificates', 'certificates.pem', () => Buffer.from('')));
    expect(uncertified.findings.some(({ says }) => says.includes('not signed by the service'))).toBe(true);
    expect(
      (
        await check(
          but('list', 'crl.pem', (bytes) =>
            Buffer.from(bytes.toString().replace(/\n(.{20})./, (_, kept) => `\n${kept}!`)),
          ),
        )
      ).status,
    ).not.toBe('sound');
  });

  test('files that are gone or cut are said to be unreadable, never passed over', async () => {
    for (const path of ['checkpoints', 'checkpoint', 'entries/001', 'tile/0/000', 'tile/entries/000']) {
      const report = await check(but(`gone-${path.replaceAll('/', '-')}`, path, () => undefined));
      expect([path, report.status === 'sound']).toEqual([path, false]);
    }
    const cut = await check(but('cut', 'entries/000', (bytes) => bytes.subarray(0, bytes.length - 7)));
    expect(cut.status).toBe('unreadable');
  });

  test('an entry that one may not read leaves its commitment, and what follows it is judged all the same', async () => {
    const left = but('left-out', 'entries/000', (bytes) => {
      const pieces = piecesOf(bytes) ?? [];
      pieces[2 * 40] = new Uint8Array(0);
      pieces[2 * 40 + 1] = new Uint8Array(0);
      return lengthPrefixed(pieces);
    });
    const report = await check(left);
    expect(report.findings).toEqual([]);
    expect(report.counts.entries).toBe(size - 1);
    expect(report.counts.leaves).toBe(size);
  });

  test('under the trust of another world it is worth nothing', async () => {
    const other = await createEvidenceWorld();
    try {
      expect((await check('sound', { ...w.trust, log: other.trust.log })).status).toBe('tampered');
      expect((await check('sound', { ...w.trust, roots: other.trust.roots })).status).toBe('tampered');
    } finally {
      await other.close();
    }
  });

  test('the command checks it without the machine, and asks for what is trusted', async () => {
    const trust = join(folder, 'trust.json');
    writeFileSync(trust, JSON.stringify(w.trust));
    const run = (name: string, by?: string) =>
      runExport({ dataDir: join(folder, 'no-machine'), folder: join(folder, name), trust: by, json: true });
    expect(await run('sound', trust)).toBe(0);
    expect(await run('an-entry', trust)).toBe(2);
    expect(await run('no-block', trust)).toBe(1);
    expect(await run('sound')).toBe(1);
    expect(await run('nothing-there', trust)).toBe(1);
  });

  test('nothing is written over, and half an export is none', async () => {
    await expect(writeExport(exportFrom(), join(folder, 'sound'))).rejects.toThrow('not empty');
    const half = but('half', 'format.json', () => undefined);
    await expect(writeExport(exportFrom(), join(folder, half))).rejects.toThrow('not empty');
  });
});
