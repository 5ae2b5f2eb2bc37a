// Station 7, evidence: the one file in which evidence travels, as a zip. The same reader in Node and in the browser. Takes nothing but
// the names that belong there, and never more bytes than evidence may have.
import { strToU8, unzipSync, zipSync } from 'fflate';
import { MAX_EVIDENCE_BYTES, NotEvidence } from './format.ts';

/** Files of an evidence file: what is checked, the report for people, the checker, and how to begin. */
export const EVIDENCE_FILES = ['README.txt', 'evidence.json', 'report.html', 'verify.html'] as const;
export type EvidenceFile = (typeof EVIDENCE_FILES)[number];

/** The same files give the same bytes: no time of packing stands in it. */
export function packEvidence(files: Readonly<Record<EvidenceFile, string>>): Uint8Array {
  return zipSync(
    Object.fromEntries(
      EVIDENCE_FILES.map((name) => [name, [strToU8(files[name]), { mtime: new Date(1980, 0, 1) }]]),
    ),
    { level: 6 },
  );
}

/** `evidence.json` out of an evidence file, or out of itself. Throws NotEvidence. */
export function unpackEvidence(bytes: Uint8Array): Uint8Array {
  if (bytes.length > MAX_EVIDENCE_BYTES) throw new NotEvidence('File is too long');
  // A zip begins with its local header (PKWARE APPNOTE 4.3.7); what does not is taken for evidence.json itself.
  if (!(bytes[0] === 0x50 && bytes[1] === 0x4b)) return bytes;
  let found: Uint8Array | undefined;
  try {
    found = unzipSync(bytes, {
      filter: ({ name, originalSize }) => name === 'evidence.json' && originalSize <= MAX_EVIDENCE_BYTES,
    })['evidence.json'];
  } catch {
    throw new NotEvidence('File cannot be unpacked');
  }
  if (!found) throw new NotEvidence('File holds no evidence.json');
  return found;
}
