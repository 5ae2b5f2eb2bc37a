// Station 7, verification: re-derives stations 4 to 6 from raw bytes and trusts nothing above it. Its sources come as an
// argument, so that an outsider can run it on an export. Reads only; what cannot be read is said, never passed over.
//
// 1. The newest anchored size is pinned from the peers' own words, before the database is looked at.
// 2. Checkpoints: each note is signed by the log's key and says what its row says (verify-log.ts).
// 3. Leaves, in order and side by side with each peer's list: entry bytes, commitment, leaf, index, tree, root.
//    Beside the leaves, what each peer keeps of keys, certificates and cosignatures (verify-members.ts).
// 4. Entries: form, signature, certificate (verify-check.ts, on all cores), subject's version and the digest of the entry
//    before (verify-entries.ts).
// 5. Rows: every column of every recorded row against the entry that wrote it last; rows nobody vouches for; rows that
//    are gone; what is derived from entries (verify-rows.ts).
// 6. What was changed past the ledger and put back, and the triggers that note it (verify-outside.ts).
// 7. The story of each case as Temporal has it, where that is asked for (verify-history.ts).
import { type Pin, pinNewest } from './reader.ts';
import type { Checking } from './verify-check.ts';
import { createEntryCheck } from './verify-entries.ts';
import { type Found, type Report, say } from './verify-finding.ts';
import { judgeHistories } from './verify-history.ts';
import { checkLog } from './verify-log.ts';
import { checkMembers } from './verify-members.ts';
import { checkOutside } from './verify-outside.ts';
import { checkRows, checkSubjects } from './verify-rows.ts';
import type { Finding, VerifyReport, VerifySources } from './verify-sources.ts';
import { UNCHECKED, withWitnesses } from './verify-witnesses.ts';

export type {
  Finding,
  VerifyReport,
  VerifySources,
} from './verify-sources.ts';

/** What findings add up to: one that tells of a change is tampering, whatever else could not be read. */
export function statusOf(findings: readonly Pick<Finding, 'kind'>[]): VerifyReport['status'] {
  if (findings.some(({ kind }) => !UNCHECKED.has(kind))) return 'tampered';
  return findings.length > 0 ? 'unreadable' : 'sound';
}

/**
 * Verifies everything up to the newest anchored checkpoint, and what came after it as far as it goes.
 * Never throws for what it finds or cannot read: a source that fails is a finding, beside what was found until then.
 */
export async function verify(sources: VerifySources): Promise<VerifyReport> {
  const began = sources.clock();
  const findings: Found[] = [];
  const report = (finding: Found): void => void findings.push(finding);
  let pin: Pin = { size: 0, peers: [] };
  let counts: VerifyReport['counts'] = { entries: 0, leaves: 0, anchored: {}, pending: 0 };
  let notes: VerifyReport['notes'] = [];
  let checking: Checking | undefined;
  try {
    pin = await pinNewest(sources.peers, sources.wait);
    sources.progress(`Pinned the newest anchored checkpoint: ${pin.size} entries`);
    const stored = await sources.open();
    const { serviceKeys, roots } = sources.trust;
    const certificates = await stored.certificates();
    checking = sources.checking({ serviceKeys, roots, certificates });
    const entries = createEntryCheck(sources.hashing.hash, report);
    const log = await checkLog(sources, stored, pin, checking, entries, report);
    ({ counts, notes } = log);
    const { consortium } = sources;
    if (consortium) {
      const members = await checkMembers({ ...sources, consortium }, pin, certificates, log.rootAt, report);
      counts = { ...counts, cosigned: members.cosigned };
      notes = [...notes, ...members.notes];
    }
    await checkSubjects(stored, entries, report);
    entries.finish();
    await checkRows(sources, stored, checking, entries, report);
    notes = [...notes, ...entries.transactions.finish(findings, entries.windowOf, report)];
    await checkOutside(stored, entries.times, findings, report);
  } catch (error) {
    sources.note(error);
    report(
      say(
        'postgres',
        null,
        null,
        null,
        'unreadable',
        'Database could not be read to the end; verify again when it answers',
      ),
    );
  } finally {
    await checking?.close();
  }
  const { cases, borneOut } = await compareHistories(sources, findings, report);
  return {
    status: statusOf(findings),
    size: pin.size,
    counts: { ...counts, ...(cases === undefined ? {} : { cases }) },
    findings: inOrder(withWitnesses(findings, pin, borneOut)),
    notes,
    seconds: Math.round((sources.clock() - began) / 10) / 100,
  };
}

/** Compares the histories last, when it is known what else is wrong: what follows from that is no finding of its own. */
async function compareHistories(
  { histories, note }: VerifySources,
  found: readonly Found[],
  report: Report,
): Promise<{ readonly cases?: number; readonly borneOut: ReadonlySet<Found> }> {
  if (!histories) return { borneOut: new Set() };
  try {
    const { cases, differing } = await histories();
    return { cases, borneOut: judgeHistories(differing, [...found], report) };
  } catch (error) {
    note(error);
    report(
      say(
        'history',
        null,
        null,
        null,
        'unreadable',
        'Histories could not be read; verify again when Temporal answers, or leave them out with --no-histories',
      ),
    );
    return { borneOut: new Set() };
  }
}

/** The log before the rows, the chain first of all: what decides stands above what it decides. */
function inOrder(findings: readonly Finding[]): readonly Finding[] {
  const rank: Readonly<Record<Finding['store'], number>> = {
    chain: 0,
    log: 1,
    postgres: 2,
    history: 3,
    evidence: 4,
  };
  return [...findings].sort((a, b) => rank[a.store] - rank[b.store]);
}
