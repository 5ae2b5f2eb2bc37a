// Test support: a world whose entries are in the log and on three chains, each a copy of its own, and verification over it.
// A copy of its database can be changed by whoever owns it, as verification must notice. No double of the verifier.
import { randomBytes } from 'node:crypto';
import postgres from 'postgres';
import { inject } from 'vitest';
import { anchorRow } from '../../bin/anchored-log.ts';
import { logSigner } from '../../bin/log-keys.ts';
import { digestKeys, newestAnchor, openSnapshot, storedLogOver, trustOf } from '../../bin/verify-sources.ts';
import { ORGANISATIONS } from '../../domain/consortium.ts';
import { isRefusal } from '../../domain/refusal.ts';
import { SERVICE } from '../../domain/roles.ts';
import { formatVerifierKey } from '../../ledger/checkpoint.ts';
import { rootOf } from '../../ledger/merkle.ts';
import { BrokenListing, type PeerLog } from '../../ledger/reader.ts';
import { nodeHashing } from '../../ledger/record-key.ts';
import { createSequencer } from '../../ledger/sequencer.ts';
import { p256Check } from '../../ledger/signing.ts';
import { type Finding, type VerifyReport, type VerifySources, verify } from '../../ledger/verify.ts';
import { checkingHere } from '../../ledger/verify-check.ts';
import type { StoredLog } from '../../ledger/verify-sources.ts';
import { recordDisclosure } from '../../web/recorded.ts';
import { makeInvitation } from '../../web/recorded-people.ts';
import { createWorld, type World } from './case-world.ts';
import { onDatabase, STORIES, type Story } from './stories.ts';

/** One organisation's copy of the log: its leaves, and the checkpoints that came with its batches. */
export interface Copy {
  readonly organisation: string;
  leaves: Uint8Array[];
  checkpoints: Map<number, { root: Uint8Array; note: string }>;
  /** Index from which its own list lacks a leaf, as its chaincode says itself. */
  hole?: number;
}

/** A copy as verification reads it; its head is what its last batch ended at. */
export const peerOf = (copy: Copy): PeerLog => {
  const checkpointAt = async (size: number) => {
    const kept = copy.checkpoints.get(size);
    return kept && { size, ...kept };
  };
  return {
    organisation: copy.organisation,
    async head() {
      const size = Math.max(0, ...copy.checkpoints.keys());
      return { size, root: copy.checkpoints.get(size)?.root ?? rootOf([], nodeHashing.hash) };
    },
    checkpointAt,
    async leaves(first, count) {
      const { hole } = copy;
      if (hole !== undefined && first + count > hole) throw new BrokenListing(hole);
      return copy.leaves.slice(first, first + count);
    },
  };
};

/** A copy that can be altered: leaves are replaced in it, never written into. */
const cloned = (copy: Copy): Copy => ({
  ...copy,
  leaves: [...copy.leaves],
  checkpoints: new Map(copy.checkpoints),
});

class RolledBack extends Error {
  override readonly name = 'RolledBack';
}

export type VerifyWorld = Awaited<ReturnType<typeof createVerifyWorld>>;

/** A world to verify: one of its own, or one that is there already, which then is closed with it. */
export async function createVerifyWorld(given?: World) {
  const world: World = given ?? (await createWorld());
  const signer = logSigner(randomBytes(32));
  const sequencer = createSequencer({ url: world.fresh.urls.ledger, signer });
  const copies: Copy[] = ORGANISATIONS.map((organisation) => ({
    organisation,
    leaves: [],
    checkpoints: new Map(),
  }));
  const ledger = postgres(world.fresh.urls.ledger, { max: 1, onnotice: () => undefined });
  // Somebody with every right on the database.
  const meddler = postgres(world.fresh.superuserUrl, {
    max: 1,
    onnotice: () => undefined,
    connection: { search_path: 'pg_catalog, public', TimeZone: 'UTC', DateStyle: 'ISO' } as Record<
      string,
      string
    >,
  });

  /** Resolves when no batch is on its way: what whoever waits for the row of the newest one waits for. */
  let settled: Promise<unknown> = Promise.resolve();
  const anchor = (): Promise<number> => {
    const done = anchorNow();
    settled = done.catch(() => undefined);
    return done;
  };

  /** Sequences what waits, and gives the copies everything up to the newest checkpoint. */
  async function anchorNow(): Promise<number> {
    while ((await sequencer.once()).taken > 0);
    const leaves = await ledger<{ leaf_hash: Uint8Array }[]>`select leaf_hash from log_leaves order by index`;
    const [newest] = await ledger<
      { size: string; root: Uint8Array; note: string }[]
    >`select size, root, note from log_checkpoints order by size desc limit 1`;
    if (!newest) return 0;
    const size = Number(newest.size);
    const previous = Math.max(0, ...[...(copies[0]?.checkpoints.keys() ?? [])].filter((one) => one < size));
    for (const copy of copies) {
      copy.leaves = leaves.slice(0, size).map(({ leaf_hash }) => Uint8Array.from(leaf_hash));
      copy.checkpoints.set(size, { root: newest.root, note: newest.note });
    }
    const row = await anchorRow(signer, { size, root: newest.root, previous }, new Date());
    await ledger`insert into log_anchors ${ledger(row)} on conflict do nothing`;
    return size;
  }

  const trusted = trustOf([], {
    origin: signer.name,
    roots: world.members.roots,
    logKeys: [formatVerifierKey(signer.name, signer.publicKey, nodeHashing.hash)],
  });
  const sources = (url: string, peers: readonly PeerLog[]): VerifySources & { close(): Promise<void> } => {
    let snapshot: Awaited<ReturnType<typeof openSnapshot>> | undefined;
    return {
      hashing: nodeHashing,
      // The world's service signs with a key that no authority certified; its certificate is tested on a real one.
      trust: {
        ...trusted,
        serviceKeys: [
          {
            keyId: world.recorder.signer.keyId,
            spki: world.publicKey.export({ format: 'der', type: 'spki' }),
            issued: true,
            from: 0,
            to: Number.POSITIVE_INFINITY,
          },
        ],
      },
      checking: (context) => checkingHere(context, { hashing: nodeHashing, p256: p256Check }),
      peers,
      open: async () => {
        snapshot = await openSnapshot(url);
        return snapshot;
      },
      digestKey: digestKeys(world.keyStore),
      newestAnchor: () => newestAnchor(url),
      wait: async () => {
        await settled;
      },
      clock: () => performance.now(),
      progress: () => undefined,
      note: (error) => console.info(error),
      close: async () => {
        await snapshot?.close();
      },
    };
  };

  return {
    world,
    sequencer,
    signer,
    copies,
    anchor,
    sources,
    /** Copies of the copies, to be altered. */
    cloneCopies: (): Copy[] => copies.map(cloned),
    /** Does these stories, one after another, shows somebody something, and makes links for them: the second ends the first. */
    async live(stories: readonly Story[]): Promise<string[]> {
      const cases: string[] = [];
      for (const story of stories) cases.push(await STORIES[story](onDatabase(world)));
      const { id: person, role } = world.as('auditor');
      await recordDisclosure(
        world.recorder,
        randomBytes(16).toString('hex'),
        { person, role },
        'case',
        cases[0] ?? null,
      );
      for (let at = 0; at < 2; at++) {
        const tokenHash = randomBytes(32).toString('hex');
        const { answer } = await makeInvitation(world.asWeb(), randomBytes(16).toString('hex'), SERVICE, {
          person,
          reason: 'First link',
          tokenHash,
        });
        if (isRefusal(answer)) throw new Error(`no link was made: ${answer.code}`);
      }
      return cases;
    },
    /** Verifies the database behind `url`, by default the world's own, as the role that verifies. */
    async verify(
      options: {
        url?: string;
        peers?: readonly PeerLog[];
        change?: Partial<VerifySources>;
        /** Sees what verification reads. */
        watch?: (stored: StoredLog) => StoredLog;
      } = {},
    ): Promise<VerifyReport> {
      const made = sources(options.url ?? world.fresh.urls.verify, options.peers ?? copies.map(peerOf));
      try {
        const { open } = made;
        const { watch } = options;
        return await verify({
          ...made,
          ...(watch ? { open: async () => watch(await open()) } : {}),
          ...options.change,
        });
      } finally {
        await made.close();
      }
    },
    /**
     * Makes a change as the owner of the tables and verifies it as the role that verifies, in one transaction that is rolled
     * back: many changes can be made, one at a time, to the same world.
     */
    async changed<T>(
      change: (target: { readonly sql: postgres.Sql; readonly copies: readonly Copy[] }) => Promise<T>,
      more: Partial<VerifySources> = {},
    ): Promise<{ readonly expected: T; readonly report: VerifyReport }> {
      const altered = copies.map(cloned);
      const owner = new URL(world.fresh.ownerUrl).username;
      const role = new URL(world.fresh.urls.verify).username;
      let done: { expected: T; report: VerifyReport } | undefined;
      await meddler
        .begin('isolation level repeatable read', async (sql) => {
          await sql.unsafe(`set local role ${owner}`);
          const expected = await change({ sql: sql as unknown as postgres.Sql, copies: altered });
          await sql.unsafe(`set local role ${role}`);
          const made = sources(world.fresh.urls.verify, altered.map(peerOf));
          const report = await verify({
            ...made,
            newestAnchor: async () =>
              Number((await sql`select max(size) as size from log_anchors`)[0]?.size ?? 0),
            ...more,
            open: async () => storedLogOver(sql),
          });
          done = { expected, report };
          throw new RolledBack();
        })
        .catch((error: unknown) => {
          if (!(error instanceof RolledBack)) throw error;
        });
      if (!done) throw new Error('nothing was verified');
      return done;
    },
    /**
     * Runs `body` on a copy of the world's database, as its owner, and removes the copy. The world's own connections are
     * cut off for it; they come back by themselves.
     */
    async onCopy<T>(body: (owner: postgres.Sql, verifyUrl: string) => Promise<T>): Promise<T> {
      const { superuserUrl } = inject('postgres');
      const admin = postgres(superuserUrl, { max: 1, onnotice: () => undefined });
      const name = `copy_${randomBytes(8).toString('hex')}`;
      const within = (url: string): string => {
        const changed = new URL(url);
        changed.pathname = `/${name}`;
        return changed.href;
      };
      const owner = postgres(within(world.fresh.ownerUrl), { max: 1, onnotice: () => undefined });
      const user = new URL(world.fresh.ownerUrl).username;
      try {
        await admin`select pg_terminate_backend(pid) from pg_stat_activity where datname = ${world.fresh.name}`;
        await admin.unsafe(`create database ${name} owner ${user} template ${world.fresh.name}`);
        return await body(owner, within(world.fresh.urls.verify));
      } finally {
        await owner.end({ timeout: 5 });
        await admin.unsafe(`drop database if exists ${name} with (force)`);
        await admin.end();
      }
    },
    async close() {
      await ledger.end({ timeout: 5 });
      await meddler.end({ timeout: 5 });
      await sequencer.close();
      await world.close();
    },
  };
}

/** A finding without its sentence and window, to compare. */
export const placeOf = ({ store, table, row, column, kind }: Finding) => ({
  store,
  table,
  row,
  column,
  kind,
});
