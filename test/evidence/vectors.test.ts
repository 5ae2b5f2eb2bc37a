// The vectors beside the format's description: what a second verifier is compared with. `REHAB_WRITE_VECTORS=1` makes them anew; they
// are then another case under other keys, and the description must still be true of them.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { NODE_CRYPTO } from '../../bin/node-crypto.ts';
import { checkEvidence } from '../../ledger/evidence/check.ts';
import {
  type Evidence,
  evidenceText,
  readEvidence,
  readEvidenceTrust,
} from '../../ledger/evidence/format.ts';
import { createEvidenceWorld } from './world.ts';

const FOLDER = join(import.meta.dirname, '../../docs/evidence-vectors');

interface Vector {
  readonly name: string;
  /** JSON pointer (RFC 6901) to what is replaced, and the value in its place. */
  readonly pointer: string;
  readonly value: unknown;
  readonly verdict: 'holds' | 'refused';
  /** Outcome of every step that does not hold. */
  readonly steps: Readonly<Record<string, string>>;
}

function changed(evidence: Evidence, pointer: string, value: unknown): Evidence {
  const copy = structuredClone(evidence) as unknown as Record<string, unknown>;
  const path = pointer.split('/').slice(1);
  const last = path.pop() ?? '';
  const place = path.reduce((at, name) => at[name] as Record<string, unknown>, copy);
  place[last] = value;
  return copy as unknown as Evidence;
}

const outcome = async (evidence: Evidence, trust: Uint8Array) => {
  const { verdict, steps } = await checkEvidence(evidence, readEvidenceTrust(trust), NODE_CRYPTO);
  return {
    verdict,
    steps: Object.fromEntries(
      steps.flatMap(({ name, outcome: how }) => (how === 'holds' ? [] : [[name, how]])),
    ),
  };
};

async function write(): Promise<void> {
  const w = await createEvidenceWorld();
  try {
    const [caseId = ''] = await w.live(['refused']);
    const sound = await w.evidence(caseId);
    const trust = Buffer.from(`${JSON.stringify(w.trust, null, 2)}\n`);
    const flip = (text: string, at: number) =>
      `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`;
    const signed = sound.entries.findIndex(({ statement }) => statement !== null);
    const at = (n: number) => sound.entries[n] as Evidence['entries'][number];
    const changes: [name: string, pointer: string, value: unknown][] = [
      ['as it was made', '/v', 1],
      ['one byte of an entry', '/entries/1/body', flip(at(1).body, 200)],
      ['one byte of the service’s signature', '/entries/1/signature', flip(at(1).signature, 10)],
      ['one hash of a proof', '/entries/0/proof/0', flip(at(0).proof[0] ?? '', 5)],
      ['another place', '/entries/0/index', at(0).index + 1],
      ['an entry left out', '/entries', sound.entries.toSpliced(1, 1)],
      ['the newest entry left out, which no step can notice', '/entries', sound.entries.slice(0, -1)],
      ['a value that was not recorded', '/entries/0/openings/0/value', '"something else"'],
      ['an opening of another field', '/entries/0/openings/0/opening', at(0).openings[1]?.opening],
      ['another statement', `/entries/${signed}/statement`, `${at(signed).statement} `],
      ['a statement that is not shown', `/entries/${signed}/statement`, null],
      ['no cosignatures', '/checkpoint', `${sound.checkpoint.split('\n').slice(0, 5).join('\n')}\n`],
      ['one cosignature', '/checkpoint', `${sound.checkpoint.split('\n').slice(0, 6).join('\n')}\n`],
      [
        'a larger size',
        '/checkpoint',
        sound.checkpoint.replace(/\n(\d+)\n/, (_, size) => `\n${Number(size) + 1}\n`),
      ],
      ['no certificates', '/certificates', []],
      ['no revocation lists', '/revocations', []],
      ['another subject', '/subject/pseudonym', 'somebody else'],
      ['entries still waiting', '/waiting', 1],
      ['no parameters', '/parameters', []],
      [
        'a limit changed',
        '/parameters/0/set',
        sound.parameters[0]?.set.replace(/\d+/, (n) => `${Number(n) + 1}`),
      ],
      ['no blocks', '/blocks', []],
      ['without the block that holds the parameters’ digest', '/blocks', sound.blocks.slice(1)],
      [
        'a certificate that no entry names',
        '/certificates',
        [...sound.certificates, w.authorities.hospital.root],
      ],
      ['one byte of what was endorsed', '/blocks/0/bytes', flip(sound.blocks[0]?.bytes ?? '', 700)],
      ['another block’s number', '/blocks/0/number', (sound.blocks[0]?.number ?? 0) + 1],
      ['a block that is none', '/blocks', [{ number: 1, bytes: 'AAAA' }]],
    ];
    const vectors: Vector[] = [];
    for (const [name, pointer, value] of changes)
      vectors.push({ name, pointer, value, ...(await outcome(changed(sound, pointer, value), trust)) });
    mkdirSync(FOLDER, { recursive: true });
    writeFileSync(join(FOLDER, 'evidence.json'), evidenceText(sound));
    writeFileSync(join(FOLDER, 'trust.json'), trust);
    writeFileSync(join(FOLDER, 'vectors.json'), `${JSON.stringify(vectors, null, 1)}\n`);
  } finally {
    await w.close();
  }
}

if (process.env.REHAB_WRITE_VECTORS) await write();
const vectors = JSON.parse(readFileSync(join(FOLDER, 'vectors.json'), 'utf8')) as readonly Vector[];
const sound = readEvidence(readFileSync(join(FOLDER, 'evidence.json')));
const trust = readFileSync(join(FOLDER, 'trust.json'));

test.each(vectors.map((vector) => [vector.name, vector] as const))(
  '%s',
  async (_, { pointer, value, ...wanted }) => {
    expect(await outcome(changed(sound, pointer, value), trust)).toEqual({
      verdict: wanted.verdict,
      steps: wanted.steps,
    });
  },
);

test('every step refuses something, or leaves it open', () => {
  const touched = new Set(vectors.flatMap(({ steps }) => Object.keys(steps)));
  expect([...touched].sort()).toEqual(
    [
      'chain',
      'checkpoint',
      'cosignatures',
      'inclusion',
      'openings',
      'order',
      'parameters',
      'persons',
      'service',
      'statements',
    ].sort(),
  );
});
