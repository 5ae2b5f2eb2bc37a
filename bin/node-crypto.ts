// Composition: node:crypto as evidence and exports are checked with it. Every check of evidence outside a browser uses this one; it
// loads without a loader, so that threads can. Never keeps a key.
import { verify } from 'node:crypto';
import type { EvidenceCrypto } from '../ledger/evidence/check.ts';
import { nodeHashing } from '../ledger/record-key.ts';
import { ed25519From, verifyP256 } from '../ledger/signing.ts';

/** node:crypto's side of a checker. */
export const NODE_CRYPTO: EvidenceCrypto = {
  hash: nodeHashing.hash,
  ed25519: (publicKey, message, signature) => verify(null, message, ed25519From(publicKey), signature),
  p256: verifyP256,
};
