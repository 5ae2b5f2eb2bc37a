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

/** The mark alone, for lists. */
export function ProofMark({ t, proof }: { t: Text; proof: ProofView }) {
  const word = proof.state === 'pending' ? t.proof.pending : t.proof[proof.state](proof.index);
  const cosigned = proof.state === 'anchored' && proof.cosigned;
  return (
    <span class={`proof ${proof.state}`}>
      <Icon name={ICONS[proof.state]} />
      <span>
        {word}
        {cosigned ? `, ${t.proof.cosigned(cosigned.count, cosigned.of)}` : ''}
      </span>
    </span>
  );
}

/** The mark with one line on what is still missing. `waits` is a length of time in words. */
export function ProofLine({ t, proof, waits }: { t: Text; proof: ProofView; waits?: string | undefined }) {
  const notes: Record<ProofView['state'], string> = {
    pending: t.proof.pendingNote,
    sequenced: t.proof.sequencedNote,
    anchored: t.proof.anchoredNote,
  };
  return (
    <span class="cluster">
      <ProofMark t={t} proof={proof} />
      <span class="proof-note">
        {waits && proof.state !== 'anchored' ? t.proof.waits(waits) : notes[proof.state]}
      </span>
    </span>
  );
}
