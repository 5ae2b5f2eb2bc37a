// Station 7, evidence and exports: which members cosigned a checkpoint, by the witness keys that are trusted. Pure, and the
// browser's too. Counts no line of an unknown key, and says of each trusted one what it did not find.
import { ORGANISATIONS, type Organisation } from '../../domain/consortium.ts';
import { MalformedNote, type VerifySignature } from '../checkpoint.ts';
import { cosignedAt, parseWitnessKey } from '../cosignature.ts';
import type { Hash } from '../merkle.ts';
import { type EvidenceTrust, keysFor } from './format.ts';

/** A checkpoint counts with this many members' cosignatures. */
export const ENOUGH = 2;

export interface Cosigned {
  /** Members whose cosignature is right, with the time that they signed. */
  readonly by: readonly { readonly organisation: Organisation; readonly at: string }[];
  /** Lines in a trusted witness's name that are not right. */
  readonly wrong: readonly string[];
  /** Members that have not cosigned, or whose key is not trusted. */
  readonly open: readonly string[];
}

/** Looks at the cosignatures (C2SP tlog-cosignature) of a signed checkpoint, which is of `size`. */
export async function cosignedBy(
  note: string,
  size: number,
  trust: Pick<EvidenceTrust, 'log' | 'witnesses' | 'former'>,
  { hash, ed25519 }: { readonly hash: Hash; readonly ed25519: VerifySignature },
): Promise<Cosigned> {
  const by: { organisation: Organisation; at: string }[] = [];
  const wrong: string[] = [];
  const open: string[] = [];
  const divide = note.lastIndexOf('\n\n');
  const text = note.slice(0, divide + 1);
  const lines = note.slice(divide + 2).split('\n');
  for (const organisation of ORGANISATIONS) {
    const vkeys = keysFor(trust, organisation, size);
    if (vkeys.length === 0) {
      open.push(`No witness key of the ${organisation} is trusted`);
      continue;
    }
    try {
      const keys = vkeys.map((vkey) => parseWitnessKey(vkey, hash));
      const own = lines.filter((line) => keys.some(({ name }) => line.startsWith(`— ${name} `)));
      if (own.length === 0) open.push(`Not cosigned by the ${organisation}`);
      for (const line of own) {
        const times = await Promise.all(keys.map((key) => cosignedAt(text, line, key, ed25519)));
        const at = times.find((time) => time !== undefined);
        if (at === undefined) wrong.push(`Cosignature of the ${organisation} is not right`);
        else by.push({ organisation, at: new Date(at * 1000).toISOString() });
      }
    } catch (error) {
      if (!(error instanceof MalformedNote)) throw error;
      wrong.push(`Witness key of the ${organisation} cannot be read: ${error.message}`);
    }
  }
  return { by, wrong, open };
}

/** How many members that are. */
export const membersOf = ({ by }: Pick<Cosigned, 'by'>): number =>
  new Set(by.map(({ organisation }) => organisation)).size;
