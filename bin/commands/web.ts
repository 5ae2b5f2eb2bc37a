// Composition of the web: reads under the web's role, decisions through Temporal, and a port to listen on. Holds no state;
// any number may run. Refuses to offer demonstration people beyond loopback.
import { serve } from '@hono/node-server';
import { Client, Connection } from '@temporalio/client';
import { sql as raw } from 'drizzle-orm';
import { connect } from '../../db/connection.ts';
import { newestCheckpoint } from '../../db/views/log.ts';
import { TEMPORAL_NAMESPACE } from '../../domain/consortium.ts';
import { openChain } from '../../ledger/fabric/client.ts';
import { readFabricProfile } from '../../ledger/fabric/profile.ts';
import { createApp } from '../../web/app.tsx';
import { createAsk } from '../../web/ask.ts';
import { consortiumOver } from '../../web/consortium/members.ts';
import { keepHonouring } from '../../web/keys/enrol.ts';
import { within } from '../../web/limits.ts';
import { createLiveFeed } from '../../web/live/feed.ts';
import { keepSending } from '../../web/outbox.ts';
import { createWatch, keepWatching } from '../../web/watch/watch.ts';
import { demandLoopback } from '../demonstration.ts';
import { evidenceFile } from '../evidence.ts';
import { evidenceFrom } from '../evidence-sources.ts';
import { faultFacts, processLog } from '../log.ts';
import {
  databaseUrl,
  fabricProfilePath,
  type Machine,
  serviceCertificate,
  temporalAddress,
} from '../machine.ts';
import { memberDoors, signingOf } from '../member-doors.ts';
import { serveOps } from '../ops.ts';
import { parametersOf } from '../parameters.ts';
import { dataConverter } from '../payload-codec.ts';
import { recorderOf } from '../recorder.ts';
import { stopSignal } from '../stop-signal.ts';
import { survive } from '../survive.ts';
import { createVerifying } from '../verifying.ts';

/** How long a person waits for an answer before the page says "still working". */
const PATIENCE_MS = 5000;

/** Runs until it is told to stop. */
export async function runWeb(machine: Machine): Promise<void> {
  const { settings, secrets } = machine;
  const log = processLog('web', settings.LOG_LEVEL);
  survive(log);
  const { signal, stopped } = stopSignal();
  const port = settings.REHAB_PORT ?? 3000;
  const publicUrl = new URL(settings.REHAB_PUBLIC_URL ?? `http://127.0.0.1:${port}`);
  const demonstration = settings.REHAB_MODE === 'demonstration';
  if (demonstration) demandLoopback(settings);
  const connection = connect(databaseUrl(machine, 'web'), { max: 20, name: 'rehab-web' });
  const parameters = parametersOf(settings);
  const recorder = recorderOf(machine, connection.sql);
  // Lazy: the web reads on while Temporal is down (DESIGN.md section 2).
  const temporal = Connection.lazy({ address: temporalAddress(machine) });
  const client = new Client({
    connection: temporal,
    namespace: TEMPORAL_NAMESPACE,
    dataConverter: dataConverter(secrets.payload),
  });
  const ask = createAsk({
    client,
    db: connection.db,
    recorder,
    keyStore: secrets.keyStore,
    keys: secrets.keys,
    caseIdSecret: secrets.keyed('case ids'),
    patienceMs: PATIENCE_MS,
  });
  const live = await createLiveFeed(connection.sql, async () => (await newestCheckpoint(connection.db)).size);
  const chain = openChain({
    profile: readFabricProfile(fabricProfilePath(machine)),
    as: { organisation: 'hospital', identity: 'reader' },
  });
  const signing = signingOf(machine, (error) => log.warn(faultFacts(error), 'a member did not answer'));
  const evidence = evidenceFrom(machine, connection.db, chain, (line) => log.warn(line));
  const consortium = consortiumOver(memberDoors(machine), () => new Date());
  const watch = createWatch({
    db: connection.db,
    recorder,
    consortium,
    now: () => new Date(),
    clock: () => performance.now(),
  });
  const { app } = createApp({
    db: connection.db,
    recorder,
    ask,
    keyStore: secrets.keyStore,
    keys: secrets.keys,
    keyed: secrets.keyed,
    get serviceCertificate() {
      return serviceCertificate(machine);
    },
    parameters: parameters.set,
    live,
    verifying: createVerifying(machine),
    consortium,
    signing,
    evidence: (caseId, options) => evidenceFile(evidence, caseId, options),
    settings: { publicUrl, demonstration },
    now: () => new Date(),
    note: ({ requestId, path, error }) =>
      log.error({ requestId, path, ...faultFacts(error) }, 'request met a fault'),
    stopped: () => watch.stopped(),
    health: async () => {
      const [postgres, engine] = await Promise.allSettled([
        within(2000, connection.db.execute(raw`select 1`)),
        temporal.withDeadline(Date.now() + 2000, () => temporal.workflowService.getSystemInfo({})),
      ]);
      return { postgres: postgres.status === 'fulfilled', temporal: engine.status === 'fulfilled' };
    },
  });
  const ops = await serveOps(settings.REHAB_OPS_PORT, log, () => `rehab_streams ${live.subscribers()}\n`);
  const server = serve({ fetch: app.fetch, port, hostname: settings.REHAB_HOST });
  // B2: headers within 10 s, a request within 30 s; streams are answers and may last.
  if ('headersTimeout' in server) {
    server.headersTimeout = 10_000;
    server.requestTimeout = 30_000;
  }
  const sending = keepSending(
    {
      db: connection.db,
      again: ask.again,
      recorder,
      now: () => new Date(),
      note: (error) => log.warn(faultFacts(error), 'acts could not be sent again'),
    },
    signal,
  );
  const watching = keepWatching(
    watch,
    (error) => log.warn(faultFacts(error), 'stations of the log could not be looked at'),
    signal,
  );
  const honouring = keepHonouring(
    { db: connection.db, recorder, signing, now: () => new Date() },
    (error) => log.warn(faultFacts(error), 'revocation lists could not be honoured'),
    signal,
  );
  log.info({ port }, 'web is ready');
  await stopped;
  if ('closeAllConnections' in server) setTimeout(() => server.closeAllConnections(), 3000).unref();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  await Promise.all([sending, honouring, watching]);
  await live.close().catch(() => undefined);
  chain.close();
  await Promise.allSettled([ops.close(), temporal.close(), connection.close()]);
}
