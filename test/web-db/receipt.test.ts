// Receipts as people get them: in the answer to an act, for the leaf that the act's entry becomes, to fetch again, their own alone.
import { verify } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LOG_ORIGIN } from '../../domain/consortium.ts';
import { leafHash } from '../../ledger/merkle.ts';
import { readReceipt, receiptBytes, type SignedReceipt } from '../../ledger/receipt.ts';
import { nodeHashing } from '../../ledger/record-key.ts';
import { claim } from '../support/claim.ts';
import { onDatabase, submit } from '../support/stories.ts';
import { createWebWorld, type WebWorld } from '../support/web-world.ts';

let w: WebWorld;
beforeAll(async () => {
  w = await createWebWorld();
});
afterAll(async () => {
  await w.close();
});

const FILLED = {
  draft: '',
  patientName: 'Lin Sample',
  'birthDate.day': '2',
  'birthDate.month': '4',
  'birthDate.year': '1961',
  sex: 'female',
  language: 'de',
  reason: 'Stroke in spring; cannot dress or climb stairs alone.',
  'reasonSince.day': '',
  'reasonSince.month': '',
  'reasonSince.year': '',
  goals: 'Walk to the shop',
};
const keyIn = (html: string): string => /name="key" value="([\w.-]+)"/.exec(html)?.[1] ?? '';
const unescaped = (html: string): string => html.replaceAll('&quot;', '"').replaceAll('&amp;', '&');
const receiptIn = (html: string): string =>
  unescaped(/<pre[^>]*data-receipt[^>]*>([\s\S]*?)<\/pre>/.exec(html)?.[1] ?? '');

function read(text: string): SignedReceipt {
  const signed = readReceipt(new TextEncoder().encode(text));
  if ('fault' in signed) throw new Error(signed.fault);
  return signed;
}

async function applied(as = 'referrer') {
  const b = await w.signIn(as);
  const key = keyIn(await (await b.get('/apply')).text());
  const sent = await b.post('/apply', { ...FILLED, key });
  const page = await (await b.get(sent.headers.get('location') ?? '')).text();
  return { b, key, page };
}

describe('the answer to an act', () => {
  it('holds the signed receipt itself, of the leaf that the entry becomes', async () => {
    const { b, key, page } = await applied();
    const text = receiptIn(page);
    const { receipt, signature } = read(text);
    const [row] = await w.worker.sql<{ id: string; body: Uint8Array }[]>`
      select e.id, e.body from operations o join audit_entries e on e.id = o.entry_id where o.id = ${key}`;
    expect(receipt).toMatchObject({ v: 1, origin: LOG_ORIGIN, operation: key, entry: row?.id });
    expect(receipt.leaf).toBe(
      Buffer.from(leafHash(nodeHashing.hash(row?.body as Uint8Array), nodeHashing.hash)).toString('hex'),
    );
    expect(Date.parse(receipt.by) - Date.parse(receipt.at)).toBe(1440 * 60_000);
    const holds = (bytes: Uint8Array) =>
      verify(
        'sha256',
        bytes,
        { key: w.publicKey, dsaEncoding: 'ieee-p1363' },
        Buffer.from(signature, 'base64url'),
      );
    expect(holds(receiptBytes(receipt))).toBe(true);
    expect(holds(receiptBytes({ ...receipt, by: receipt.at }))).toBe(false);
    // To fetch again: the same promise, however often it is signed.
    const again = await b.get(`/receipts/${key}`);
    expect(again.headers.get('content-disposition')).toContain(`receipt-${row?.id}.json`);
    expect(again.headers.get('cache-control')).toBe('no-store');
    expect(read(await again.text()).receipt).toEqual(receipt);
    expect(page).toContain(`href="/receipts/${key}"`);
  });

  it('stands in staff’s lists, too', async () => {
    const caseId = (await submit(onDatabase(w))).caseId;
    const [open] = await w.worker.sql<{ id: string }[]>`
      select id from tasks where case_id = ${caseId} and kind = 'decide-eligibility'`;
    const task = { id: open?.id ?? '', claim: await claim(w, 'officerA', open?.id ?? '') };
    const b = await w.signIn('officerA');
    const answer = await onDatabase(w).act(
      'officerA',
      'decide-eligibility',
      {
        choice: 'refuse',
        criteria: { need: 'not-met', capacity: 'met', prognosis: 'met' },
        reasons: 'Not needed.',
      } as never,
      { caseId, task },
    );
    expect(answer.kind).toBe('done');
    const [done] = await w.worker.sql<{ id: string }[]>`
      select id from operations where action = 'decide-eligibility' and person_id = ${w.as('officerA').id}`;
    const queue = await (await b.get(`/queue?done=${done?.id}`)).text();
    expect(read(receiptIn(queue)).receipt.operation).toBe(done?.id);
  });

  it('stays within reach in the case’s trail, for whoever acted and nobody else', async () => {
    await w.addPerson('guardian', 'guardian');
    const { b, key } = await applied('guardian');
    const [row] = await w.worker.sql<{ id: string }[]>`
      select e.subject_id as id from operations o join audit_entries e on e.id = o.entry_id where o.id = ${key}`;
    const trail = async (who: typeof b) => await (await who.get(`/cases/${row?.id}/entries`)).text();
    expect(await trail(b)).toContain(`href="/receipts/${key}"`);
    const auditor = await trail(await w.signIn('auditor'));
    expect(auditor).toContain('id="entry-');
    expect(auditor).not.toContain('/receipts/');
  });

  it('is nobody else’s: asked for by another person it is unknown, and that is written down', async () => {
    const { key } = await applied();
    const other = await w.signIn('patient');
    const before = await w.worker.sql`select count(*)::int as n from refusals where action = 'receipt.keep'`;
    expect((await other.get(`/receipts/${key}`)).status).toBe(404);
    const after = await w.worker.sql`select count(*)::int as n from refusals where action = 'receipt.keep'`;
    expect(after[0]?.n).toBe(before[0]?.n + 1);
    const page = await (await other.get(`/my?done=submit-application&receipt=${key}`)).text();
    expect(receiptIn(page)).toBe('');
    for (const none of ['x', `${key}x`, 'a'.repeat(60)])
      expect((await other.get(`/receipts/${none}`)).status).toBe(404);
    expect((await w.browser().get(`/receipts/${key}`)).headers.get('location')).toContain('/sign-in');
  });

  it('a refusal has none', async () => {
    const [row] = await w.worker.sql<{ id: string }[]>`
      select o.id from operations o where o.answer->>'kind' = 'refusal' and o.person_id = ${w.as('patient').id} limit 1`;
    const b = await w.signIn('patient');
    expect((await b.get(`/receipts/${row?.id}`)).status).toBe(404);
  });
});
