// Composition of one organisation's member: the witness over its own peer and the published log, the door for enrolments,
// and what it publishes. Lives in its own folder. Must never be given a way to Postgres or Temporal: it refuses to start then.
import { createPublicKey, hash, verify } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import type { Organisation } from '../../domain/consortium.ts';
import { standBehindDoors } from '../../engines/doors.ts';
import { likeItsFolder } from '../../engines/users.ts';
import { fabricAuthority } from '../../ledger/fabric/ca.ts';
import { openMemberChain } from '../../ledger/fabric/client.ts';
import { enrolmentDoor } from '../../ledger/member/enrolment.ts';
import { openMemberFolder, stampOf, type Trust } from '../../ledger/member/folder.ts';
import { publishedLog } from '../../ledger/member/published.ts';
import { stateFile } from '../../ledger/member/state.ts';
import { createWitness, type Witness } from '../../ledger/member/witness.ts';
import { SettingRefused, type Settings } from '../config.ts';
import { demandLoopback } from '../demonstration.ts';
import { faultFacts, processLog } from '../log.ts';
import { stopSignal } from '../stop-signal.ts';

/** How often the member looks at its peer and at the published log. */
const LOOK_EVERY_MS = 2_000;
/** A member that has not looked for this long is not ready. */
const READY_WITHIN_MS = 30_000;

/** Ways to the hospital's stores. A member that knows one could be made to use it. */
const FORBIDDEN = ['DATABASE_URL', 'REHAB_DATABASE_URL', 'TEMPORAL_ADDRESS', 'TEMPORAL_CLI'] as const;

export interface MemberOptions {
  readonly organisation: Organisation;
  /** The member's own folder, DIR/members/ORG. */
  readonly folder: string;
  readonly settings: Settings;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** The witness, what it judges by, and the stamp of the files that say so. */
interface Agreed {
  readonly witness: Witness;
  readonly trust: Trust;
  readonly stamp: string;
}

const acknowledgePath = (folder: string): string => join(folder, 'acknowledge');

/**
 * A person has seen the alarms that stand. Said in the member's own folder, so that only its own people can say it; the
 * member reads it at its next look, or at its next start.
 */
export function acknowledgeAlarms(folder: string): void {
  writeFileSync(acknowledgePath(folder), '', { mode: 0o600 });
  likeItsFolder(acknowledgePath(folder));
}

/** Runs until it is told to stop. Throws SettingRefused, FolderTrouble or ProfileTrouble before anything is opened. */
export async function runMember(options: MemberOptions): Promise<void> {
  const { organisation, folder, settings, environment } = options;
  for (const name of FORBIDDEN) {
    if (environment[name])
      throw new SettingRefused(`setting ${name} must not be there for a member; it has no way to that store`);
  }
  const { REHAB_LOG_URL: logUrl, REHAB_PORT: port, REHAB_MEMBER_DOORS: doors } = settings;
  if (logUrl === undefined || port === undefined)
    throw new SettingRefused('a member needs REHAB_LOG_URL, the published log’s address, and REHAB_PORT');
  const demonstration = settings.REHAB_MODE === 'demonstration';
  // Its two invented people approve whatever is asked.
  if (demonstration) demandLoopback(settings);
  const log = processLog(`member-${organisation}`, settings.LOG_LEVEL);
  const { profile } = openMemberFolder(folder);
  if (profile.organisation !== organisation)
    throw new SettingRefused(`folder belongs to ${profile.organisation}; name that organisation with --org`);
  const now = () => new Date();
  const store = stateFile(folder);
  const chain = openMemberChain(profile);
  /** A witness over what is agreed on now; it goes on from the same state. */
  const opened = async (): Promise<Agreed> => {
    // First, so that what changes while it is read is read again.
    const stamp = stampOf(folder);
    const { trust, witness: key } = openMemberFolder(folder);
    const witness = await createWitness({
      organisation,
      trust,
      chain,
      published: publishedLog(logUrl),
      key,
      store,
      crypto: { hash: (bytes) => hash('sha256', bytes, 'buffer'), verify: verifyEd25519 },
      now,
      onAlarm: (alarm) => log.error({ alarm }, 'alarm'),
      outdated: () => stampOf(folder) !== stamp,
    });
    return { witness, trust, stamp };
  };
  let agreed = await opened();

  const closeDoors = doors === undefined ? undefined : await standBehindDoors(doors, port);
  const { signal, stopped } = stopSignal();
  const app = new Hono();
  app.get('/status', (c) => c.json(agreed.witness.status()));
  app.get('/trust.json', (c) => c.json(agreed.trust));
  app.get('/healthz', (c) => c.text('ok'));
  app.get('/readyz', (c) => {
    const { looked } = agreed.witness.status();
    const ready = looked !== null && now().getTime() - Date.parse(looked) < READY_WITHIN_MS;
    return c.text(ready ? 'ok' : 'member has not seen its peer and the log', ready ? 200 : 503);
  });
  mountDoor(app);
  const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port });
  log.info({ organisation }, 'member is ready');

  while (!signal.aborted) {
    try {
      if (existsSync(acknowledgePath(folder))) {
        await agreed.witness.acknowledge();
        rmSync(acknowledgePath(folder));
        log.info('alarms were acknowledged');
      }
      if (stampOf(folder) !== agreed.stamp) {
        const next = await opened();
        // It looks once before it is shown: what it says is never empty.
        await next.witness.once();
        agreed = next;
        log.info('goes on under what the organisations have agreed on now');
      } else await agreed.witness.once();
    } catch (error) {
      // Its own disk, say: nothing was signed that is not kept, and the next look tries again.
      log.error(faultFacts(error), 'member met a fault');
    }
    await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
  await stopped;
  chain.close();
  await new Promise<void>((done) => server.close(() => done()));
  closeDoors?.();

  function mountDoor(on: Hono): void {
    // Read each time: it is renewed while we run.
    const registrar = {
      get certificate() {
        return readFileSync(join(folder, 'registrar', 'cert.pem'), 'utf8');
      },
      privateKey: readFileSync(join(folder, 'registrar', 'key.pem'), 'utf8'),
    };
    const { url, name, tlsCaPath } = profile.ca;
    on.route(
      '/',
      enrolmentDoor({
        organisation,
        folder,
        authority: fabricAuthority({ url, name, tlsCa: readFileSync(tlsCaPath, 'utf8') }, registrar),
        chain,
        demonstration,
        now,
        note: (error) => log.warn(faultFacts(error), 'request waits'),
      }),
    );
  }
}

/** Ed25519 with a raw key. A key that is no point on the curve verifies nothing. */
function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const x = Buffer.from(publicKey).toString('base64url');
  try {
    return verify(
      null,
      message,
      createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' }),
      signature,
    );
  } catch {
    return false;
  }
}
