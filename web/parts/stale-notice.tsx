// Station 1, web: a 409 in place. Says who took over and when, or why else not, and gives back what was typed (UI.md 4.13, 5.6).
// Rendered into `#stale` as a partial with `HX-Reswap: none`, so that the form and its text stay.
import type { Text } from '../text/text.ts';
import { Notice } from './notice.tsx';
import { Said } from './said.tsx';

export function StaleNotice({
  t,
  title,
  words,
  kept,
  taskHref,
}: {
  t: Text;
  title: string;
  /** The refusal's sentence. */
  words: string;
  /** What the person had typed, to copy. */
  kept?: string | undefined;
  taskHref?: string | undefined;
}) {
  return (
    <div id="stale" class="stack" tabindex={-1} role="alert">
      <Notice
        tone="late"
        actions={
          <>
            {kept ? (
              <button type="button" class="button needs-script" data-copy={kept}>
                {t.stale.copyText}
              </button>
            ) : null}
            {taskHref ? (
              <a class="button" href={taskHref}>
                {t.stale.toTask}
              </a>
            ) : null}
          </>
        }
      >
        <p>
          <strong>{title}</strong>
        </p>
        <p>{words}</p>
      </Notice>
      {kept ? (
        <div class="card">
          <Said text={kept} />
        </div>
      ) : null}
    </div>
  );
}

/** The empty place a stale answer goes to; put it above the form. */
export function StalePlace() {
  return <div id="stale" />;
}
