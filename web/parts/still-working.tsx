// Station 1, web: the answer is not known yet (202). Asks again with the same number; never says failed, ends in done or refused.
// With script it asks every two seconds; without, the link does the same.
import type { Moment as MomentValue } from '../text/formats.ts';
import type { Text } from '../text/text.ts';
import { Moment } from './moment.tsx';
import { Notice } from './notice.tsx';

/** After this a person is told that nothing is recorded yet, and that they need not wait. */
const A_WHILE_MS = 30_000;

export function StillWorking({
  t,
  askHref,
  sentAt,
  now,
  poll = true,
}: {
  t: Text;
  /** `/ask/OPERATION`, which answers with this part again, or with the outcome. */
  askHref: string;
  sentAt?: MomentValue | undefined;
  /** When the page is made; long after it was sent, the page says more. */
  now?: Date | undefined;
  poll?: boolean;
}) {
  return (
    <div
      id="still-working"
      role="status"
      {...(poll
        ? {
            'hx-get': askHref,
            'hx-trigger': 'load delay:2s',
            'hx-target': 'this',
            // A new element each time: a morphed one does not load again, and so would ask only once.
            'hx-swap': 'outerHTML',
          }
        : {})}
    >
      <Notice
        tone="note"
        icon="hourglass"
        actions={
          <a class="button" href={askHref}>
            {t.working.again}
          </a>
        }
      >
        <p>
          <strong>{t.working.unsure}</strong>
        </p>
        {sentAt && now && now.getTime() - new Date(sentAt).getTime() > A_WHILE_MS ? (
          <p>{t.working.kept}</p>
        ) : null}
        <p>
          {t.working.safe}{' '}
          {sentAt ? (
            <span class="soft">
              {t.working.since('\u0000').split('\u0000')[0]}
              <Moment t={t} at={sentAt} show="time" />
            </span>
          ) : null}
        </p>
      </Notice>
    </div>
  );
}
