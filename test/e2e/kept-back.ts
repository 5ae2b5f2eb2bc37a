// End to end, last: everything that people wrote carried a canary (P9, V1), and errors that quote it were raised on the way (T3). Now
// the raw bytes of every place that must not hold it are searched: Temporal, the chain, logs, metrics, titles and addresses. Each
// place is shown to hold what it should, so that finding nothing means something.
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import proto from '@temporalio/proto';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ORGANISATIONS, TEMPORAL_NAMESPACE } from '../../domain/consortium.ts';
import { caseWorkflowId } from '../../domain/ids.ts';
import type { CaseRef } from '../support/deeds.ts';
import { hasSharedData } from '../support/shared-data.ts';
import { CANARY, filesBelow, filesWith, spellingsOf } from './canary.ts';
import type { Left } from './life.ts';
import type { World } from './world.ts';

export function keptBack(world: () => World, left: Left): void {
  describe('what people wrote is kept back', () => {
    // The word of the stories, and the names in the records that were read in.
    const canary = [CANARY, ...(hasSharedData ? ['Gutmann', 'Zieme'] : [])].flatMap(spellingsOf);
    let sql: postgres.Sql;
    let about: CaseRef;
    const below = (...folders: string[]): string[] => filesBelow(join(world().machine.dataDir, ...folders));

    const filesIn = (paths: readonly string[], name: string): string[] =>
      paths.filter((path) => basename(path) === `${name}.log`);

    beforeAll(() => {
      sql = postgres(world().machine.run().postgres.owner, { max: 1, onnotice: () => {} });
      const lived = left.cases.get('lived true');
      if (!lived) throw new Error('the stories of a whole case come first');
      about = lived;
    });
    afterAll(async () => {
      await sql?.end();
    });

    it('the canary sits where people look it up, and the search finds it there in the raw bytes', async () => {
      const texts = await sql<{ from: string; n: number }[]>`
        select 'application' as from, count(*)::int as n from applications where reason like ${`%${CANARY}%`} and goals like ${`%${CANARY}%`}
        union all select 'decision', count(*)::int from decisions where reasons like ${`%${CANARY}%`}
        union all select 'findings', count(*)::int from assessments where findings like ${`%${CANARY}%`}
        union all select 'note', count(*)::int from therapy_sessions where note like ${`%${CANARY}%`}
        union all select 'plan', count(*)::int from plans where goals::text like ${`%${CANARY}%`}
        union all select 'name', count(*)::int from persons where name like ${`%${CANARY}%`}`;
      for (const { from, n } of texts) expect(n, from).toBeGreaterThan(0);
      await sql`checkpoint`.catch(() => undefined); // rows reach the files by themselves, a little later
      expect(filesWith(below('postgres'), canary)).not.toEqual([]);
    });

    it('Temporal’s store holds the case and nothing that was written in it', () => {
      const store = below('temporal');
      expect(filesWith(store, [Buffer.from(caseWorkflowId(about.id))])).not.toEqual([]);
      expect(filesWith(store, canary)).toEqual([]);
    });

    it('no history, memo, attribute or failure that Temporal gives out holds it', async () => {
      const connection = await Connection.connect({ address: world().machine.run().temporal });
      try {
        const client = new Client({ connection, namespace: TEMPORAL_NAMESPACE });
        for (const [which, { id }] of left.cases) {
          const handle = client.workflow.getHandle(caseWorkflowId(id));
          const history = await handle.fetchHistory();
          const { raw } = await handle.describe();
          const bytes = Buffer.concat([
            proto.temporal.api.history.v1.History.encode(history).finish(),
            Buffer.from(JSON.stringify(raw)),
          ]);
          // Updates stand in it by their names, their arguments as ciphertext.
          expect(bytes.includes('encryption-key'), which).toBe(true);
          expect(bytes.includes(caseWorkflowId(id)), which).toBe(true);
          for (const needle of canary) expect(bytes.includes(needle), which).toBe(false);
        }
      } finally {
        await connection.close();
      }
    });

    it('the ledgers of all peers and the blocks of all orderers hold the case’s leaves, and nothing of its texts', async () => {
      const leaves = await sql<{ leafHash: Buffer }[]>`
        select l.leaf_hash as "leafHash" from log_leaves l join audit_entries e on e.id = l.entry_id
        where e.subject_id = ${about.id} and l.index < (select max(size) from log_anchors)`;
      const first = leaves[0]?.leafHash;
      if (!first) throw new Error('no entry of the case is anchored');
      for (const organisation of ORGANISATIONS)
        for (const node of ['peer', 'orderer']) {
          const files = below('fabric', 'organisations', organisation, node);
          expect(filesWith(files, [first]), `${organisation} ${node}`).not.toEqual([]);
        }
      expect(filesWith(below('fabric'), canary)).toEqual([]);
      // Not even which case it was: leaves are hashes.
      expect(filesWith(below('fabric'), spellingsOf(about.id))).toEqual([]);
      expect(filesWith(below('fabric'), spellingsOf(about.number))).toEqual([]);
    });

    it('no log holds it, though errors that quote it were met', () => {
      const logs = below('logs');
      const lines = (name: string): string[] =>
        filesIn(logs, name).flatMap((path) => readFileSync(path, 'utf8').split('\n'));
      // A search was not allowed to read: class, code and place of it stand in the web's log, not what was searched for.
      expect(
        lines('web').some((line) => /"msg":"request met a fault"/.test(line) && /"code":"42501"/.test(line)),
      ).toBe(true);
      // A decision broke a constraint; Postgres would have quoted the row in a DETAIL, and the driver in its error.
      expect(lines('postgres').some((line) => /violates check constraint "sentinel"/.test(line))).toBe(true);
      expect(lines('postgres').filter((line) => /DETAIL|STATEMENT|Failing row/.test(line))).toEqual([]);
      expect(
        lines('worker').some(
          (line) =>
            /"msg":"activity met a fault"/.test(line) &&
            /"code":"23514"/.test(line) &&
            /"constraint":"sentinel"/.test(line),
        ),
      ).toBe(true);
      expect(filesWith(logs, canary)).toEqual([]);
    });

    it('no process counts by what people wrote', async () => {
      for (const name of ['web-ops', 'worker-ops', 'ledger-ops']) {
        const metrics = await (await fetch(`http://127.0.0.1:${world().machine.port(name)}/metrics`)).text();
        expect(metrics, name).toContain('process_resident_memory_bytes');
        expect(metrics, name).not.toContain(CANARY);
        expect(metrics, name).not.toContain(about.id);
        expect(metrics, name).not.toContain('Pat Patient');
      }
    });

    it('no title and no address that a browser kept in its history holds it', () => {
      const visited = [...world().visited];
      expect(visited.some((line) => line.endsWith(`/cases/${about.id}`))).toBe(true);
      expect(visited.some((line) => line.includes(about.number))).toBe(true);
      expect(visited.filter((line) => line.includes(CANARY))).toEqual([]);
      expect(visited.filter((line) => /Patient|Zoe|Gutmann|Zieme/.test(line))).toEqual([]);
    });

    it('the folder holds it in the database’s files and nowhere else', () => {
      const places = filesWith(below(), canary).map((path) =>
        path
          .slice(world().machine.dataDir.length + 1)
          .split('/')
          .at(0),
      );
      expect([...new Set(places)]).toEqual(['postgres']);
    });
  });
}
