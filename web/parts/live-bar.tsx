// Station 1, web: the connection that keeps a page fresh, and how old what it shows is (UI.md 5.10). Without script: "as of".
// The element that connects holds nothing that people focus; what arrives are partials for other places.
import type { Moment as MomentValue } from '../text/formats.ts';
import type { Text } from '../text/text.ts';
import { Icon } from './icon.tsx';
import { Moment } from './moment.tsx';

/** `after` is the sequence number of what the page shows now; the stream goes on from there. */
export function LiveBar({
  t,
  topic,
  about = {},
  after,
  asOf,
  here,
  pause = false,
}: {
  t: Text;
  topic: string;
  /** What the topic is about, for topics that are about one thing. */
  about?: Readonly<Record<string, string>>;
  after: number | string;
  asOf: MomentValue;
  /** Address of this same page, for a fresh start. */
  here: string;
  /** Offers Pause; going on is a fresh page. */
  pause?: boolean;
}) {
  const query = new URLSearchParams({ topic, ...about, after: String(after) });
  const [before = '', behind = ''] = t.live.asOf('\u0000').split('\u0000');
  return (
    <div class="live" data-live="still" data-on={t.live.on} data-off={t.live.off} data-paused={t.live.paused}>
      <span class="live-dot" aria-hidden="true" />
      <span class="live-words">
        {before}
        <Moment t={t} at={asOf} show="time" />
        {behind}
      </span>
      <span
        id="live-connection"
        hidden
        hx-sse:connect={`/live?${query}`}
        hx-trigger="load, every 20s"
        hx-swap="none"
      />
      <a class="live-reload" href={here} hidden>
        {t.live.reload}
      </a>
      {pause ? (
        <a class="tool needs-script" href={here} data-live-pause="">
          <Icon name="pause" />
          {t.live.pause}
        </a>
      ) : null}
    </div>
  );
}
