// Composition of the ledger process: the sequencer's loop, the anchor's loop, and asking again for decisions whose Update
// never reached Temporal's history. Holds no state; a second one waits for the sequencer's lock.

import { hash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { connect, type Database } from '../../db/connection.ts';
import { waitingLeaves } from '../../db/views/public-log.ts';
import { TEMPORAL_NAMESPACE } from '../../domain/consortium.ts';
import { createAnchor, keepAnchoring } from '../../ledger/anchor.ts';
import { canonicalBytes } from '../../ledger/canonical.ts';
import { openChain } from '../../ledger/fabric/client.ts';
import { readFabricProfile } from '../../ledger/fabric/profile.ts';
import { ChainRefusal } from '../../ledger/fabric/trouble.ts';
import type { PeerLog } from '../../ledger/reader.ts';
import { type Gap, gapBetween, gapInWords, knownToMembers, LogRestored } from '../../ledger/restored.ts';
import { createSequencer } from '../../ledger/sequencer.ts';
import { anchoredLog, noteAnchored } from '../anchored-log.ts';
import { keepCosignatures } from '../cosignatures.ts';
import { knownSize } from '../known-size.ts';
import { faultFacts, processLog } from '../log.ts';
import { signerInForce } from '../log-keys.ts';
import { databaseUrl, fabricProfilePath, type Machine, temporalAddress } from '../machine.ts';
import { serveOps } from '../ops.ts';
import { parametersOf } from '../parameters.ts';
import { dataConverter } from '../payload-codec.ts';
import { createReAsk, keepReAsking } from '../re-ask.ts';
import { stopSignal } from '../stop-signal.ts';
import { survive } from '../survive.ts';
import { peersOf } from '../verify-sources.ts';

/**
 * How long the sequencer rests, whether something waited or not: a batch of one costs nearly as much as a batch of a
 * hundred, and without a rest busy minutes would be spent on batches of one.
 */
const REST_MS = 200;
/** How far apart anchors begin while people work (docs/adr/0019): with the rest above, well within two seconds of a commit. */
const ANCHOR_REST_MS = 750;
/** From so many entries on there may be more, and no rest. */
const MANY = 2000;
/** How often it is looked for decisions that never reached Temporal's history. */
const RE_ASK_REST_MS = 5000;

/** How often it is looked whether the newer database is back. */
const RESTORED_REST_MS = 5000;

/** A key is being replaced; the replacement ends within seconds, or is taken up again by a person. */
class KeyComing extends Error {
  override readonly name = 'KeyComing';
}

/** How often the version of the parameters is sent again while the chain is away. */
const PARAMETERS_REST_MS = 5000;

/** What a restored log lacks, and what is left of it. */
async function gapNow(db: Database, peers: readonly PeerLog[], { size, known }: LogRestored): Promise<Gap> {
  return await gapBetween(size, known, peers, await waitingLeaves(db));
}

/** Runs until it is told to stop. */
export async function runLedger(machine: Machine): Promise<void> {
  const log = processLog('ledger', machine.settings.LOG_LEVEL);
  survive(log);
  const { signal, stopped } = stopSignal();
  const url = databaseUrl(machine, 'ledger');
  const signer = signerInForce(machine.dataDir);
  const published = knownSize(machine.dataDir);
  const sequencer = createSequencer({ url, signer, known: published.get });
  const { db, close } = connect(url, { max: 3, name: 'rehab-ledger', statementSeconds: 30 });
  const chain = openChain({
    profile: readFabricProfile(fabricProfilePath(machine)),
    as: { organisation: 'hospital', identity: 'ledger' },
  });
  const peers = peersOf(chain);
  // A restored backup is noticed by what the members hold, and while none answers by what this machine remembers (X17).
  const { size, answered } = await knownToMembers(peers);
  published.raise(size);
  if (answered < 2)
    log.warn('fewer than two members’ peers answer; the log begins by what this machine has published');
  let grown: (() => void) | undefined;
  let unseen = false;
  let told = -1;
  const ops = await serveOps(machine.settings.REHAB_OPS_PORT, log);

  const sequencing = (async () => {
    while (!signal.aborted) {
      try {
        const { taken, filled, head } = await sequencer.once();
        if (head) published.raise(head.size);
        if (taken > 0) {
          unseen = true;
          grown?.();
        }
        if (taken < MANY && filled === 0) await sleep(REST_MS, undefined, { signal }).catch(() => undefined);
      } catch (error) {
        if (error instanceof LogRestored) {
          if (told !== error.size)
            await gapNow(db, peers, error).then(
              (gap) => {
                log.fatal(gapInWords(gap));
                told = error.size;
              },
              (fault) => log.warn(faultFacts(fault), 'gap of a restored log could not be looked at'),
            );
          await sleep(RESTORED_REST_MS, undefined, { signal }).catch(() => undefined);
          continue;
        }
        // Postgres is away or the head moved: what is committed is read again at the next try.
        log.warn(faultFacts(error), 'sequencer met a fault');
        await sleep(1000, undefined, { signal }).catch(() => undefined);
      }
    }
  })();

  const anchor = createAnchor({
    chain,
    log: anchoredLog(db),
    async onAnchored(head, on) {
      const signed = signer();
      // Said again with the next one: until then nothing is sequenced either.
      if (signed === undefined) throw new KeyComing();
      await noteAnchored({ db, chain, signer: signed, now: () => new Date() }, head, on);
    },
  });
  const anchoring = keepAnchoring(anchor, {
    signal,
    restMs: ANCHOR_REST_MS,
    changed: async (stopping) => {
      // Growth between the anchor's last look and here must not be slept over.
      const wake = unseen
        ? Promise.resolve()
        : new Promise<void>((resolve) => {
            grown = resolve;
          });
      unseen = false;
      await Promise.race([wake, sleep(1000, undefined, { signal: stopping }).catch(() => undefined)]);
    },
    onTrouble: (error) => log.warn(faultFacts(error), 'chain is not answering; entries wait'),
  }).catch((error) => {
    // Tampering: the log is not extended under a fork. The board and the auditors see the anchor stand still, and why.
    log.fatal(faultFacts(error), 'anchoring stopped');
    process.exitCode = 2;
  });
  const cosigning = keepCosignatures(db, chain, {
    signal,
    note: (error) => log.warn(faultFacts(error), 'cosignatures could not be read'),
  });
  const temporal = Connection.lazy({ address: temporalAddress(machine) });
  const reAsking = keepReAsking(
    createReAsk({
      db,
      client: new Client({
        connection: temporal,
        namespace: TEMPORAL_NAMESPACE,
        dataConverter: dataConverter(machine.secrets.payload),
      }),
      now: () => new Date(),
      note: (error) => log.warn(faultFacts(error), 'decisions could not be looked for in the history'),
    }),
    {
      signal,
      restMs: RE_ASK_REST_MS,
      note: (error) => log.warn(faultFacts(error), 'decisions could not be looked for'),
      told: (pass) => log.info({ ...pass }, 'decisions were asked again'),
    },
  );
  const recording = (async () => {
    const { set, version } = parametersOf(machine.settings);
    const digest = hash('sha256', canonicalBytes(set));
    while (!signal.aborted) {
      try {
        return await chain.recordParameters(version, digest);
      } catch (error) {
        log.warn(faultFacts(error), 'version of the parameters is not on the chain');
        // Another digest under this version stays refused; a chain that is away comes back.
        if (error instanceof ChainRefusal) return;
      }
      await sleep(PARAMETERS_REST_MS, undefined, { signal }).catch(() => undefined);
    }
  })();
  log.info('ledger is ready');
  await stopped;
  await Promise.all([sequencing, anchoring, cosigning, reAsking, recording]);
  chain.close();
  await Promise.all([sequencer.close(), close(), ops.close(), temporal.close()]);
}
