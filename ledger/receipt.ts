// Station 4 to 7, the receipt: what a person keeps of an act, the service's signed word that the act's leaf will be in the log
// by a time. Made from the entry's stored bytes, without a transaction, and handed out with the answer (docs/adr/0012).
// Must never say more than that: it holds no content, and is no proof that the leaf is in the log.
import { toHex } from './bytes.ts';
import { canonicalBytes, canonicalJson, parseIJson } from './canonical.ts';
import type { Hashing } from './entry.ts';
import { leafHash } from './merkle.ts';
import { type PeerLog, pinNewest } from './reader.ts';

/** The signed part. `leaf` is the RFC 6962 leaf hash of the entry's commitment, hexadecimal. */
export interface Receipt {
  readonly v: 1;
  /** The log that the leaf will be in. */
  readonly origin: string;
  /** Key of the act, as it stood in the form that was sent. */
  readonly operation: string;
  readonly entry: string;
  readonly leaf: string;
  /** When the act was recorded, and by when its leaf is in the log; ISO 8601 UTC. */
  readonly at: string;
  readonly by: string;
}

/** A receipt as it is kept: the service's P-256 signature (IEEE P1363, base64url) over the canonical bytes, and its certificate. */
export interface SignedReceipt {
  readonly receipt: Receipt;
  readonly signature: string;
  /** PEM. */
  readonly certificate: string;
}

/** Signs for the service. `certificate` is what a stranger checks the signature under, PEM. */
export interface ReceiptSigner {
  readonly certificate: string;
  /** ECDSA P-256 with SHA-256, IEEE P1363. */
  sign(bytes: Uint8Array): Uint8Array;
}

/** What a receipt is about, from the entry's row. */
export interface ReceiptEntry {
  readonly id: string;
  readonly operation: string;
  readonly at: string;
  /** The stored bytes. */
  readonly body: Uint8Array;
}

/** The receipt of an entry as the text of a file. `dueMinutes` is the parameter `receipt-due`. */
export function writeReceipt(
  origin: string,
  entry: ReceiptEntry,
  dueMinutes: number,
  signer: ReceiptSigner,
  hashing: Pick<Hashing, 'hash' | 'text'>,
): string {
  const receipt: Receipt = {
    v: 1,
    origin,
    operation: entry.operation,
    entry: entry.id,
    leaf: toHex(leafHash(hashing.hash(entry.body), hashing.hash)),
    at: entry.at,
    by: new Date(Date.parse(entry.at) + dueMinutes * 60_000).toISOString(),
  };
  const signed: SignedReceipt = {
    receipt,
    signature: hashing.text(signer.sign(canonicalBytes(receipt))),
    certificate: signer.certificate,
  };
  return `${canonicalJson(signed)}\n`;
}

/** The bytes that a receipt's signature is about. */
export const receiptBytes = (receipt: Receipt): Uint8Array => canonicalBytes(receipt);

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** Reads a receipt's file, or says why it is none. Checks no signature. */
export function readReceipt(bytes: Uint8Array): SignedReceipt | { readonly fault: string } {
  if (bytes.length > 65_536) return { fault: 'file is too long for a receipt' };
  const parsed = parseIJson(bytes, { depth: 4, keys: 50, keysPerObject: 20 });
  const value = parsed.ok ? (parsed.value as Partial<SignedReceipt> | null) : null;
  const receipt = value?.receipt as Partial<Receipt> | undefined;
  const texts = [value?.signature, value?.certificate, receipt?.origin, receipt?.operation, receipt?.entry];
  if (
    receipt?.v !== 1 ||
    Object.keys(receipt).length !== 7 ||
    texts.some((text) => typeof text !== 'string') ||
    !/^[0-9a-f]{64}$/.test(receipt.leaf ?? '') ||
    !INSTANT.test(receipt.at ?? '') ||
    !INSTANT.test(receipt.by ?? '')
  )
    return { fault: 'file is not a receipt' };
  return value as SignedReceipt; // every field was looked at
}

/** What became of a receipt's promise. */
export interface ReceiptVerdict {
  /** `sound`: the leaf is there. `tampered`: it was promised and is not. `unreadable`: neither can be said. */
  readonly status: 'sound' | 'unreadable' | 'tampered';
  /** One sentence for a person. */
  readonly says: string;
  /** Place in the log, when it is there. */
  readonly index: number | null;
  /** The promise, as far as it could be read. */
  readonly receipt: Receipt | null;
}

export interface ReceiptSources {
  readonly origin: string;
  readonly hash: Hashing['hash'];
  /** Whether the service of the log signed these bytes, under a certificate that holds at that time. */
  signed(certificate: string, at: Date, bytes: Uint8Array, signature: string): Promise<boolean>;
  /** Each organisation's own list of leaves. */
  readonly peers: readonly PeerLog[];
  /** Whether the service's own log has the leaf: it may be ahead of the chain. Undefined when it cannot be read. */
  own(leaf: Uint8Array): Promise<boolean | undefined>;
  readonly now: Date;
  readonly wait: (ms: number) => Promise<void>;
}

const PAGE = 8192;

/**
 * Judges a receipt by the members' own copies of the log. Two of them must be readable and agree: a promise counts as
 * broken when its time is over and no peer's list has the leaf. Never throws for what it finds.
 */
export async function judgeReceipt(bytes: Uint8Array, sources: ReceiptSources): Promise<ReceiptVerdict> {
  const read = readReceipt(bytes);
  const cannot = (says: string, receipt: Receipt | null = null): ReceiptVerdict => ({
    status: 'unreadable',
    says,
    index: null,
    receipt,
  });
  if ('fault' in read) return cannot(`Receipt cannot be read: ${read.fault}`);
  const { receipt, certificate, signature } = read;
  if (receipt.origin !== sources.origin)
    return cannot(`Receipt is of another log; ask that log's members: ${receipt.origin}`, receipt);
  if (!(await sources.signed(certificate, new Date(receipt.at), receiptBytes(receipt), signature)))
    return cannot('Receipt is not signed by the service of this log, so it promises nothing', receipt);

  const pin = await pinNewest(sources.peers, sources.wait);
  const there = pin.peers.filter(({ state }) => state === 'there');
  if (there.length < 2) return cannot('Fewer than two members’ peers could be read; try again', receipt);
  const found = await Promise.all(there.map(({ peer }) => placeOf(peer, receipt.leaf, pin.size)));
  const places = found.filter((place) => typeof place === 'number');
  const [index] = places;
  const agreed = !found.includes('absent') && places.every((place) => place === index);
  if (index !== undefined && places.length >= 2 && agreed)
    return { status: 'sound', says: `Leaf is in the log, at ${index} of ${pin.size}`, index, receipt };
  if (places.length > 0)
    return {
      status: 'tampered',
      says: `Members’ peers do not agree about the leaf; run rehab verify: ${places.length} of ${there.length} have it`,
      index: null,
      receipt,
    };
  if (found.filter((place) => place === 'absent').length < 2)
    return cannot('Fewer than two members’ lists could be read to their end; try again', receipt);
  if (sources.now <= new Date(receipt.by))
    return cannot(
      `Leaf is not in the log yet, and its time is not over; ask again after ${receipt.by}`,
      receipt,
    );
  const own = await sources.own(
    Uint8Array.from(receipt.leaf.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)),
  );
  return {
    status: 'tampered',
    says: own
      ? `Leaf was promised for ${receipt.by} and is in the service’s own log alone: no member’s peer has it at size ${pin.size}`
      : `Leaf was promised for ${receipt.by} and is not in the log of ${pin.size}: whoever signed this receipt left the act out`,
    index: null,
    receipt,
  };
}

/** Where a peer's list has the leaf. */
async function placeOf(peer: PeerLog, leaf: string, size: number): Promise<number | 'absent' | 'unreadable'> {
  try {
    for (let first = 0; first < size; ) {
      const page = await peer.leaves(first, Math.min(PAGE, size - first));
      if (page.length === 0) return 'unreadable';
      const at = page.findIndex((one) => toHex(one) === leaf);
      if (at >= 0) return first + at;
      first += page.length;
    }
    return 'absent';
  } catch {
    // No answer, or a hole in its list: nothing can be concluded from what was not read.
    return 'unreadable';
  }
}
