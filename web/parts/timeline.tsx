// Station 1, web: the acts of a case, newest first. Business first; what an auditor needs folds out per entry.
import type { Child } from 'hono/jsx';
import type { Moment as MomentValue } from '../text/formats.ts';
import type { Text } from '../text/text.ts';
import { Icon } from './icon.tsx';
import { Moment } from './moment.tsx';
import { ProofLine, type ProofView } from './proof-mark.tsx';
import { Who, type WhoView } from './who.tsx';

export type TimelineEvent = {
  /** Stable; letters, digits and hyphens. */
  id: string;
  at: MomentValue;
  title: string;
  who: WhoView;
  detail?: Child;
  /** That the person signed it themselves, in words. */
  signed?: string;
  proof: ProofView;
  /** How long it waits already, in words. */
  waits?: string;
  /** Decisions stand out from the rest. */
  weighty?: boolean;
  /** Where the reader fetches the receipt of this act of theirs. */
  receipt?: string;
  /** Folded: pairs for auditors (entry, leaf, checkpoint, changes …). */
  technical?: readonly { term: string; value: Child }[];
};

/** One event, also sent alone as a live update. */
export function TimelineItem({ t, event }: { t: Text; event: TimelineEvent }) {
  return (
    <li id={event.id} class={event.weighty ? 'weighty' : undefined}>
      <div class="stack-tight">
        <p class="event-head">
          <span class="event-title">{event.title}</span>
          <span>
            <Who t={t} who={event.who} full />
          </span>
          <span class="meta">
            <Moment t={t} at={event.at} />
          </span>
        </p>
        {event.detail ? <div>{event.detail}</div> : null}
        {event.signed ? (
          <p class="meta">
            <Icon name="key-round" /> {event.signed}
          </p>
        ) : null}
        <ProofLine t={t} proof={event.proof} waits={event.waits} />
        {event.receipt ? (
          <p>
            <a class="meta" href={event.receipt} download>
              {t.receipt.yours}
            </a>
          </p>
        ) : null}
        {event.technical && event.technical.length > 0 ? (
          <details class="details" id={`${event.id}-details`}>
            <summary>
              <Icon name="chevron-right" />
              {t.words.details}
            </summary>
            <div class="details-body boxed-list">
              <dl class="summary-list plain">
                {event.technical.map(({ term, value }) => (
                  <div>
                    <dt>{term}</dt>
                    <dd>{value}</dd>
                  </div>
                ))}
              </dl>
            </div>
          </details>
        ) : null}
      </div>
    </li>
  );
}

export function Timeline({
  t,
  events,
  id = 'timeline',
}: {
  t: Text;
  events: readonly TimelineEvent[];
  id?: string;
}) {
  if (events.length === 0) return <p class="soft">{t.timeline.empty}</p>;
  return (
    <ol class="timeline" id={id} aria-label={t.timeline.label}>
      {events.map((event) => (
        <TimelineItem t={t} event={event} />
      ))}
    </ol>
  );
}
