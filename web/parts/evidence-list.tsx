// Station 1, web: numbered evidence. Numbers link both ways: from a criterion to its evidence, and back.
import type { Child } from 'hono/jsx';
import type { Text } from '../text/text.ts';

export type EvidenceItem = { title: string; body: Child; meta?: Child };

export function EvidenceLink({ t, number }: { t: Text; number: number }) {
  return (
    <a class="cite" href={`#evidence-${number}`} aria-label={t.evidence.cite(number)}>
      {number}
    </a>
  );
}

export function EvidenceList({ t, items }: { t: Text; items: readonly EvidenceItem[] }) {
  return (
    <ol class="evidence" aria-label={t.evidence.label}>
      {items.map(({ title, body, meta }, index) => (
        <li id={`evidence-${index + 1}`} tabindex={-1}>
          <span class="evidence-number" aria-hidden="true">
            {index + 1}
          </span>
          <div class="evidence-body stack-tight">
            <h3>{title}</h3>
            <div>{body}</div>
            {meta ? <p class="meta">{meta}</p> : null}
          </div>
        </li>
      ))}
    </ol>
  );
}
