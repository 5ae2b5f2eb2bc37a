// Composition of `rehab verify`: station 7 over the running system. Progress goes to standard error, the report to standard
// output; exit 0 sound, 1 could not read, 2 tampered. Never 0 when anything was left unread.
import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { LOG_ORIGIN, TEMPORAL_NAMESPACE } from '../../domain/consortium.ts';
import { canonicalBytes } from '../../ledger/canonical.ts';
import { readEvidenceTrust } from '../../ledger/evidence/format.ts';
import { openChain } from '../../ledger/fabric/client.ts';
import { readFabricProfile } from '../../ledger/fabric/profile.ts';
import { nodeHashing } from '../../ledger/record-key.ts';
import { type VerifyReport, verify } from '../../ledger/verify.ts';
import { faultFacts } from '../log.ts';
import { logTrust } from '../log-keys.ts';
import { fabricProfilePath, type Machine, machineOf, temporalAddress } from '../machine.ts';
import { parametersOf } from '../parameters.ts';
import { dataConverter } from '../payload-codec.ts';
import { compareHistories, digestWith, temporalReader } from '../replay/histories.ts';
import { recordedActs } from '../replay/recorded-acts.ts';
import { checkingPool } from '../verify-pool.ts';
import {
  digestKeys,
  lacksKeys,
  newestAnchor,
  openSnapshot,
  peerStatesOf,
  peersOf,
  rootsOf,
  type Snapshot,
  serviceCertificates,
  trustIn,
  trustOf,
  verifierUrl,
} from '../verify-sources.ts';

export interface VerifyOptions {
  readonly dataDir: string;
  readonly json: boolean;
  /** A member's trust.json that whoever verifies brought along; else this machine's own keys are trusted. */
  readonly trust?: string | undefined;
  /** Whether each case's history is compared with the record too. */
  readonly histories: boolean;
}

/**
 * Verifies the machine over a data folder. Prints the report to its end, and gives the exit code. The caller ends the process
 * itself: a connection to a peer that is frozen in its TLS handshake cannot be closed and would keep it alive.
 */
export async function runVerify({ dataDir, json, ...options }: VerifyOptions): Promise<number> {
  const progress = (line: string): void => console.error(line);
  let report: VerifyReport;
  try {
    const keys = keysOf(dataDir);
    report = await verifyMachine(dataDir, options, progress);
    // Keys that were read before they were replaced would call forged what is not.
    if (report.status !== 'sound' && keysOf(dataDir) !== keys) {
      progress('A key was replaced meanwhile; everything is verified again');
      report = await verifyMachine(dataDir, options, progress);
    }
  } catch (error) {
    report = unreadable(error instanceof Error ? error.message : 'sources cannot be opened');
  }
  const text = json ? `${JSON.stringify(report)}\n` : inWords(report);
  await new Promise<void>((written) => process.stdout.write(text, () => written()));
  return { sound: 0, unreadable: 1, tampered: 2 }[report.status];
}

/** Which keys and certificates of the service this machine knows now, as one text. */
function keysOf(dataDir: string): string {
  const lacking = lacksKeys(dataDir);
  if (lacking) throw new Error(lacking);
  const certificates = serviceCertificates(readFabricProfile(fabricProfilePath(machineOf(dataDir))));
  return JSON.stringify([logTrust(dataDir), certificates.map(({ fingerprint256 }) => fingerprint256)]);
}

async function verifyMachine(
  dataDir: string,
  { trust, histories }: Pick<VerifyOptions, 'trust' | 'histories'>,
  progress: (line: string) => void,
): Promise<VerifyReport> {
  const brought = trust === undefined ? undefined : readEvidenceTrust(readFileSync(trust));
  const machine = machineOf(dataDir);
  const profile = readFabricProfile(fabricProfilePath(machine));
  const { log, former } = logTrust(dataDir);
  const { set, version } = parametersOf(machine.settings);
  const chain = openChain({ profile, as: { organisation: 'hospital', identity: 'reader' } });
  let snapshot: Snapshot | undefined;
  try {
    return await verify({
      hashing: nodeHashing,
      trust: trustOf(
        serviceCertificates(profile),
        brought ? trustIn(brought) : { origin: LOG_ORIGIN, roots: rootsOf(profile), logKeys: [log], former },
      ),
      consortium: {
        peers: peerStatesOf(chain),
        trust: brought ?? { origin: LOG_ORIGIN, log, former },
        parameters: { version, sha256: hash('sha256', canonicalBytes(set)) },
        demandCosigned: brought !== undefined,
      },
      checking: (context) => checkingPool(context),
      peers: peersOf(chain),
      histories: histories ? () => historiesOf(machine, progress) : undefined,
      async open() {
        snapshot = await openSnapshot(verifierUrl(machine));
        return snapshot;
      },
      newestAnchor: () => newestAnchor(verifierUrl(machine)),
      digestKey: digestKeys(machine.secrets.keyStore),
      wait: async (ms) => {
        await sleep(ms);
      },
      clock: () => performance.now(),
      progress,
      note: (error) => progress(`Could not be read: ${JSON.stringify(faultFacts(error))}`),
    });
  } finally {
    await snapshot?.close();
    chain.close();
  }
}

/** Reads every case's history from Temporal and compares it with the record. Throws when Temporal is not there. */
async function historiesOf(
  machine: Machine,
  progress: (line: string) => void,
): ReturnType<typeof compareHistories> {
  const converter = dataConverter(machine.secrets.payload);
  const recorded = recordedActs(verifierUrl(machine));
  const connection = await Connection.connect({ address: temporalAddress(machine) });
  try {
    const client = new Client({ connection, namespace: TEMPORAL_NAMESPACE, dataConverter: converter });
    const reader = temporalReader(client);
    const digestOf = digestWith(machine.secrets.keys);
    return await compareHistories({ reader, converter, recorded, digestOf, progress });
  } finally {
    await connection.close();
    await recorded.close();
  }
}

function unreadable(says: string): VerifyReport {
  const nowhere = {
    table: null,
    row: null,
    column: null,
    rightAt: null,
    wrongAt: null,
    disagrees: null,
    agree: [],
  };
  return {
    status: 'unreadable',
    size: 0,
    counts: { entries: 0, leaves: 0, anchored: {}, pending: 0 },
    findings: [{ store: 'evidence', ...nowhere, kind: 'unreadable', says }],
    notes: [],
    seconds: 0,
  };
}

/** The report for a person: one sentence per finding, then what was compared. */
export function inWords({ status, size, counts, findings, notes, seconds }: VerifyReport): string {
  const lines = findings.map(({ kind, says, rightAt, wrongAt, disagrees, agree }) => {
    const since = rightAt === null ? '' : `; right at size ${rightAt}`;
    const until = wrongAt === null ? '' : `; wrong at size ${wrongAt}`;
    const alone =
      disagrees === null || agree.length === 0 ? '' : `; ${disagrees} against ${agree.join(', ')}`;
    return `${kind.replace('-', ' ')}: ${says}${since}${until}${alone}.`;
  });
  lines.push(...notes.map(({ says }) => `note: ${says}.`));
  const anchored = Object.entries(counts.anchored)
    .map(([organisation, count]) => `${organisation} ${count}`)
    .join(', ');
  const verdict = {
    sound: 'Sound.',
    unreadable: 'Not everything could be read.',
    tampered: 'Tampered.',
  }[status];
  lines.push(
    `${verdict} At size ${size}: ${counts.entries} entries, ${counts.leaves} leaves; listed from peers: ${anchored || 'none'}. ${counts.pending} entries are not anchored yet. ${
      counts.cosigned ? `Two members have cosigned up to ${counts.cosigned}. ` : ''
    }${
      counts.cases === undefined
        ? 'Histories were left out'
        : `Histories of ${counts.cases} cases were compared`
    }. ${seconds} s.`,
  );
  return `${lines.join('\n')}\n`;
}
