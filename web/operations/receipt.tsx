// Station 1, web: the receipt that comes with the answer to an accepted act, and `/receipts/OPERATION` to fetch it again. It stands
// in the answer itself, so that nobody has to be asked for it later. A person gets their own and nobody else's. Writes nothing.
import { eq } from 'drizzle-orm';
import { auditEntries, operations } from '../../db/schema.ts';
import { LOG_ORIGIN } from '../../domain/consortium.ts';
import { isOperationKey } from '../../domain/operation-key.ts';
import { isRefusal } from '../../domain/refusal.ts';
import { writeReceipt } from '../../ledger/receipt.ts';
import { nodeHashing } from '../../ledger/record-key.ts';
import type { Session, WebDeps } from '../deps.ts';
import { paths } from '../paths.ts';
import type { Text } from '../text/text.ts';

/** What a person may keep of an act of theirs. */
export interface Kept {
  readonly operation: string;
  readonly entry: string;
  /** The file's text. */
  readonly text: string;
  readonly by: Date;
}

/** The receipt of an accepted act of this person; `foreign` when the act is somebody else's, undefined when there is none. */
export async function receiptOf(
  deps: WebDeps,
  person: string,
  operation: string,
): Promise<Kept | 'foreign' | undefined> {
  if (!isOperationKey(operation)) return undefined;
  const [row] = await deps.db
    .select({
      person: operations.personId,
      answer: operations.answer,
      entry: auditEntries.id,
      at: auditEntries.at,
      body: auditEntries.body,
    })
    .from(operations)
    .innerJoin(auditEntries, eq(auditEntries.id, operations.entryId))
    .where(eq(operations.id, operation));
  if (!row) return undefined;
  if (row.person !== person) return 'foreign';
  if (isRefusal(row.answer)) return undefined;
  const minutes = deps.parameters.figures['receipt-due'].value;
  const at = new Date(row.at);
  const text = writeReceipt(
    LOG_ORIGIN,
    { id: row.entry, operation, at: at.toISOString(), body: row.body },
    minutes,
    { certificate: deps.serviceCertificate, sign: deps.recorder.signer.sign },
    nodeHashing,
  );
  return { operation, entry: row.entry, text, by: new Date(at.getTime() + minutes * 60_000) };
}

/** The receipt itself, folded under the answer that it belongs to. */
export function ReceiptNote({ t, kept }: { t: Text; kept: Kept }) {
  return (
    <details class="details">
      <summary>{t.receipt.title}</summary>
      <p>{t.receipt.what(t.dateTime(kept.by))}</p>
      <p>
        <a class="button small" href={paths.receipt(kept.operation)} download={`receipt-${kept.entry}.json`}>
          {t.receipt.keep}
        </a>
      </p>
      <pre class="wrap" tabindex={0} data-receipt>
        {kept.text}
      </pre>
    </details>
  );
}

/** The folded receipt of an act that the address names, or nothing. */
export async function receiptNote(deps: WebDeps, t: Text, session: Session, operation: string | undefined) {
  const kept = operation ? await receiptOf(deps, session.person, operation) : undefined;
  return kept && kept !== 'foreign' ? <ReceiptNote t={t} kept={kept} /> : null;
}
