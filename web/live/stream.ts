// Station 1, web: one open stream of a session. Before each message the session is read again and its right judged (O7, I5); every
// line is prefixed; a reader that does not read is let go. Holds nothing but what it sent last.
import type { LiveFeed } from './feed.ts';

/** How often a stream says that it is alive; then time has passed too, so figures are looked at again. */
export const BEAT_MS = 5000;
/** Changes that come faster than this are shown together. */
const SETTLE_MS = 400;
/** Messages that may wait for a slow reader. */
const WAITING = 32;
/** Log entries that a returning reader may be behind; beyond, the page is loaded anew. */
export const REPLAY = 500;

/**
 * One message. Text of several lines becomes several `data:` lines, so that no value can begin a field of its own. Without text
 * it moves the reader's place on and shows nothing.
 */
export function sseMessage(message: { id?: number; event?: string; data?: string }): string {
  const lines = (message.data?.split(/\r\n|\r|\n/) ?? []).map((line) => `data: ${line}`);
  return [
    ...(message.id === undefined ? [] : [`id: ${message.id}`]),
    ...(message.event === undefined ? [] : [`event: ${message.event}`]),
    ...lines,
    '',
    '',
  ].join('\n');
}

export interface StreamOptions {
  readonly live: LiveFeed;
  /** Size of the log now. */
  readonly size: () => Promise<number>;
  /** Where the reader stood: the log's size that its page shows; undefined for one that begins now. */
  readonly after: number | undefined;
  readonly now: () => Date;
  /**
   * What this reader is to see now, as markup of partials, or `ended` when they may not any more.
   * Called before every message with a session read afresh.
   */
  readonly render: () => Promise<{ readonly html: string } | 'ended'>;
  /** Whether the reader still may; asked at every beat. */
  readonly still: () => Promise<boolean>;
  readonly signal: AbortSignal;
  /** Called once when the stream is over, however it ends. */
  readonly closed: () => void;
  readonly trouble: (error: unknown) => void;
  readonly beatMs?: number;
}

/** The stream's body. Ends with the request, the session, or a reader that does not read. */
export function openStream(options: StreamOptions): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const beatMs = options.beatMs ?? BEAT_MS;
  let over = false;
  let finish: () => void = () => undefined;
  return new ReadableStream<Uint8Array>(
    {
      async start(controller) {
        let size = options.after ?? 0;
        let shown: string | undefined;
        /** The place that the reader was last told. */
        let place = options.after;
        let settling: NodeJS.Timeout | undefined;
        let busy = false;
        let again = false;
        const end = () => {
          if (over) return;
          over = true;
          clearInterval(beat);
          clearTimeout(settling);
          unsubscribe();
          options.signal.removeEventListener('abort', end);
          options.closed();
          try {
            controller.close();
          } catch {
            // The reader is gone already.
          }
        };
        finish = end;
        const send = (message: Parameters<typeof sseMessage>[0]) => {
          if (over) return;
          // A write to a dead socket never fails by itself (T23): what is not taken in time ends the stream.
          if ((controller.desiredSize ?? 0) <= -WAITING) return end();
          controller.enqueue(encoder.encode(sseMessage(message)));
        };
        const look = async () => {
          if (busy) {
            again = true;
            return;
          }
          busy = true;
          try {
            do {
              again = false;
              const seen = size;
              const outcome = await options.render();
              if (over) return;
              if (outcome === 'ended') {
                send({ event: 'ended', data: '' });
                return end();
              }
              if (outcome.html === '') {
                // Nothing in sight has changed; the reader has seen this far all the same.
                if (seen !== place) send({ id: seen });
              } else if (outcome.html !== shown) send({ id: seen, data: outcome.html });
              place = seen;
              shown = outcome.html;
            } while (again && !over);
          } catch (error) {
            options.trouble(error);
            end();
          } finally {
            busy = false;
          }
        };
        const unsubscribe = options.live.subscribe((now) => {
          size = now;
          settling ??= setTimeout(() => {
            settling = undefined;
            void look();
          }, SETTLE_MS);
        });
        const beat = setInterval(async () => {
          try {
            if (!(await options.still())) {
              send({ event: 'ended', data: '' });
              return end();
            }
            send({ event: 'beat', data: JSON.stringify({ size, at: options.now().toISOString() }) });
            void look();
          } catch (error) {
            options.trouble(error);
            end();
          }
        }, beatMs);
        options.signal.addEventListener('abort', end, { once: true });
        if (options.signal.aborted) return end();
        try {
          size = await options.size();
          send({ event: 'beat', data: JSON.stringify({ size, at: options.now().toISOString() }) });
          const after = options.after ?? size;
          if (size - after > REPLAY) send({ id: size, event: 'reload-me', data: '' });
          else if (size > after) await look();
        } catch (error) {
          options.trouble(error);
          end();
        }
      },
      cancel() {
        finish();
      },
    },
    { highWaterMark: 1 },
  );
}
