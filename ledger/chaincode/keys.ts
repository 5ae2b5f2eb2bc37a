// Station 6 on the chain: the log's and the witnesses' keys, which two of the three organisations must name alike.
// Promise: one organisation alone can neither put a key in force nor replace one; former keys stay readable.
// Must never hold a private key, nor count one organisation's word twice.
import { ORGANISATIONS, type Organisation } from '../../domain/consortium.ts';
import { MalformedNote, parseVerifierKey, type VerifierKey } from '../checkpoint.ts';
import { parseWitnessKey } from '../cosignature.ts';
import type { Hash } from '../merkle.ts';
import { encode, LogRefusal, readValue, type State } from './state.ts';

export const KEY_KINDS = ['log', 'witness'] as const;
export type KeyKind = (typeof KEY_KINDS)[number];

/** Two of three. */
const NEEDED = 2;

/** What the chain knows of one key. `name` is the log's origin, or the witness's organisation. */
export type KeyRecord = {
  readonly kind: KeyKind;
  readonly name: string;
  /** The key in force; null until two organisations have named it. */
  readonly vkey: string | null;
  /** Keys that were in force before, oldest first: what they signed then stays signed. */
  readonly former: readonly string[];
  /** What each organisation named last. */
  readonly proposals: Readonly<Partial<Record<Organisation, string>>>;
};

type Stored = Pick<KeyRecord, 'former'> & { readonly vkey: string };

/**
 * One organisation names a key. It is in force once two name the same; the answer says how it stands.
 * 1. The same word again changes nothing. 2. A log's key bears the log's origin; a witness's key bears any name, and
 * `name` is its organisation. 3. The other organisations' words are read, so that two who speak at the same moment
 * conflict and the second is asked again.
 */
export async function registerKey(
  state: State,
  by: Organisation,
  kind: string,
  name: string,
  vkey: string,
  hash: Hash,
): Promise<KeyRecord> {
  const known = demandKind(kind);
  if (known === 'witness' && !ORGANISATIONS.some((organisation) => organisation === name))
    throw new LogRefusal('MALFORMED', 'A witness is named by its organisation; name one of the three', {
      kind,
    });
  if (known === 'log' && demandKey(known, vkey, hash).name !== name)
    throw new LogRefusal('MALFORMED', "A log's key bears the log's origin; name it so", { kind });
  if (known === 'witness') demandKey(known, vkey, hash);

  const before = await readRecord(state, known, name);
  const proposals = { ...before.proposals, [by]: vkey };
  if (before.proposals[by] !== vkey) await state.write(proposalKey(known, name, by), encode({ vkey }));
  const agreed = ORGANISATIONS.filter((organisation) => proposals[organisation] === vkey).length >= NEEDED;
  if (!agreed || before.vkey === vkey) return { ...before, proposals };
  const former = before.vkey === null ? before.former : [...before.former, before.vkey];
  await state.write(recordKey(known, name), encode({ former, vkey } satisfies Stored));
  return { ...before, former, proposals, vkey };
}

/** Every key of which an organisation has spoken. */
export async function listKeys(state: State): Promise<KeyRecord[]> {
  const names = new Set<string>();
  for await (const { key } of state.scan('proposal/', 'proposal0')) {
    const [, kind = '', encoded = ''] = key.split('/');
    names.add(`${kind}/${encoded}`);
  }
  return Promise.all(
    [...names].map((each) => {
      const [kind = '', encoded = ''] = each.split('/');
      return readRecord(state, demandKind(kind), decodeURIComponent(encoded));
    }),
  );
}

/** The key in force, taken apart; KEY_NOT_REGISTERED when two organisations have not named one. */
export async function keyInForce(
  state: State,
  kind: KeyKind,
  name: string,
  hash: Hash,
): Promise<VerifierKey> {
  const stored = await readValue<Stored>(state, recordKey(kind, name));
  if (stored === undefined)
    throw new LogRefusal('KEY_NOT_REGISTERED', 'Key is not in force; two organisations must name it', {
      kind,
      name,
    });
  return kind === 'log' ? parseVerifierKey(stored.vkey, hash) : parseWitnessKey(stored.vkey, hash);
}

async function readRecord(state: State, kind: KeyKind, name: string): Promise<KeyRecord> {
  const stored = await readValue<Stored>(state, recordKey(kind, name));
  const proposals: Partial<Record<Organisation, string>> = {};
  for (const by of ORGANISATIONS) {
    const proposal = await readValue<{ vkey: string }>(state, proposalKey(kind, name, by));
    if (proposal !== undefined) proposals[by] = proposal.vkey;
  }
  return { kind, name, vkey: stored?.vkey ?? null, former: stored?.former ?? [], proposals };
}

function demandKind(kind: string): KeyKind {
  const known = KEY_KINDS.find((each) => each === kind);
  if (known === undefined) throw new LogRefusal('MALFORMED', 'A key is of kind log or witness; name one');
  return known;
}

function demandKey(kind: KeyKind, vkey: string, hash: Hash): VerifierKey {
  try {
    return kind === 'log' ? parseVerifierKey(vkey, hash) : parseWitnessKey(vkey, hash);
  } catch (error) {
    if (error instanceof MalformedNote)
      throw new LogRefusal('MALFORMED', 'Not a verifier key of this kind; send its vkey as published', {
        kind,
      });
    throw error;
  }
}

// An origin has slashes of its own, so the name is encoded: a key's parts can be told apart again.
const recordKey = (kind: KeyKind, name: string) => `key/${kind}/${encodeURIComponent(name)}`;
const proposalKey = (kind: KeyKind, name: string, by: Organisation) =>
  `proposal/${kind}/${encodeURIComponent(name)}/${by}`;
