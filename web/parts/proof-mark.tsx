// Station 1, web: how far an entry has come, in the log's own words (DESIGN.md section 2). Prints the state it is given, no better one.
import type { IconName } from '../assets/icons.ts';
import type { Text } from '../text/text.ts';
import { Icon } from './icon.tsx';

export type ProofView =
  | { state: 'pending' }
  | { state: 'sequenced'; index: number }
  | { state: 'anchored'; index: number; cosigned?: { count: number; of: number } };

const ICONS: Record<ProofView['state'], IconName> = {
  pending: 'hourglass',
  sequenced: 'list-ordered',
  anchored: 'anchor',
};

/** The state as words alone. */
export function proofWords(t: Text, proof: ProofView): string {
  const word = proof.state === 'pending' ? t.proof.pending : t.proof[proof.state](proof.index);
  const cosigned = proof.state === 'anchored' && proof.cosigned;
  return cosigned ? `${word}${t.marks.comma}${t.proof.cosigned(cosigned.count, cosigned.of)}` : word;
}

/** The mark alone, for lists. */
export function ProofMark({ t, proof }: { t: Text; proof: ProofView }) {
  return (
    <span class={`proof ${proof.state}`}>
      <Icon name={ICONS[proof.state]} />
      <span>{proofWords(t, proof)}</span>
    </span>
  );
}

/** The mark with one line on what is still missing; none where nothing is. `waits` is a length of time in words. */
export function ProofLine({ t, proof, waits }: { t: Text; proof: ProofView; waits?: string | undefined }) {
  const missing = missingOf(t, proof, waits);
  return (
    <span class="cluster">
      <ProofMark t={t} proof={proof} />
      {missing ? <span class="proof-note">{missing}</span> : null}
    </span>
  );
}

function missingOf(t: Text, proof: ProofView, waits: string | undefined): string | undefined {
  if (proof.state !== 'anchored')
    return waits
      ? t.proof.waits(waits)
      : proof.state === 'pending'
        ? t.proof.pendingNote
        : t.proof.sequencedNote;
  if (!proof.cosigned) return t.proof.anchoredNote;
  const { count, of } = proof.cosigned;
  return count < of ? t.proof.uncosigned(of - count) : undefined;
}
