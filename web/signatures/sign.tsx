// Station 1, web: the sign page: the statement exactly as its bytes are, its hash, the key, and one button. What is shown is
// what is signed: the text stands in the page once, and the script hashes that very text before it signs (UI.md 4.5, 5.8).
import type { Child } from 'hono/jsx';
import { assetUrl } from '../assets/manifest.ts';
import { formAttributes, Hidden } from '../layout.tsx';
import { Notice } from '../parts/notice.tsx';
import { StalePlace } from '../parts/stale-notice.tsx';
import { UndoBar } from '../parts/undo-bar.tsx';
import { paths } from '../paths.ts';
import type { Text } from '../text/text.ts';
import type { Prepared, ToSign } from './prepared.ts';

/** Four characters at a time, as people compare long numbers. */
const grouped = (hex: string): string => hex.replace(/(.{4})(?=.)/g, '$1 ');

export interface SignView {
  readonly prepared: Prepared;
  /** SHA-256 of the statement, hexadecimal. */
  readonly digest: string;
  readonly toSign: readonly ToSign[];
  /** When the person's newest certificate ended, where none is left that counts and it was not revoked. */
  readonly over: string | undefined;
  /** Where the signature is posted. */
  readonly action: string;
  readonly hidden: Readonly<Record<string, string | number>>;
  readonly button: string;
  readonly back: { readonly href: string; readonly words: string };
  /** What makes the statement anew, when it is too old. */
  readonly again: Child;
  readonly old: boolean;
  /** The person must show who they are before their first signature of a session. */
  readonly confirm: Child | undefined;
  /** Makes this browser a key, without leaving the page; or what must come before. */
  readonly makeKey: Child;
  readonly demonstration: boolean;
  readonly notice?: Child;
}

export function Sign({ t, view }: { t: Text; view: SignView }) {
  const { prepared, digest, toSign } = view;
  const w = t.signing;
  return (
    <div class="form-page stack-wide">
      {view.notice}
      <section class="stack" aria-labelledby="statement-title">
        <h2 id="statement-title">{w.statementTitle}</h2>
        {/* Text and nothing else: what stands between the tags is what is hashed. */}
        <pre id="statement" class="statement" lang={prepared.language} tabindex={0}>
          {prepared.text}
        </pre>
        <dl class="facts">
          <dt>{w.hash}</dt>
          <dd>
            <code id="statement-hash" data-hash={digest}>
              {grouped(digest)}
            </code>
          </dd>
          <dt>{w.key}</dt>
          <dd>
            <span id="key-state" role="status" data-none={w.noKeyHere} data-here={w.keyHere('{until}')}>
              {toSign[0]
                ? w.certified(t.date(toSign[0].notAfter))
                : view.over
                  ? w.keyOver(t.date(view.over))
                  : w.noKey}
            </span>
          </dd>
        </dl>
        <details>
          <summary>{w.showBytes}</summary>
          <div class="stack">
            <p class="soft">{w.bytesHint}</p>
            {toSign.map((one) => (
              <pre
                class="bytes"
                data-envelope={one.fingerprint}
                data-key={one.keyName}
                data-until={t.date(one.notAfter)}
              >
                {one.text}
              </pre>
            ))}
            <p class="soft">{w.statementBytes}</p>
            <pre class="bytes">
              {Buffer.from(prepared.text, 'utf8')
                .toString('hex')
                .replace(/(.{64})/g, '$1\n')
                .trim()}
            </pre>
          </div>
        </details>
      </section>
      <StalePlace />
      {view.old ? (
        <Notice tone="soon">
          <p>{w.old}</p>
          {view.again}
        </Notice>
      ) : view.confirm ? (
        view.confirm
      ) : toSign.length === 0 ? null : (
        <form id="sign-form" class="stack" data-sign {...formAttributes(view.action)}>
          <Hidden values={{ ...view.hidden, certificate: '', signature: '' }} />
          <p>{w.final}</p>
          <div class="actions" id="sign-actions">
            <button
              class="button primary"
              type="submit"
              aria-keyshortcuts="Control+Enter"
              disabled
              data-signing={w.signing}
              data-changed={w.changed}
              data-failed={w.failed}
            >
              {view.button}
            </button>
            <a class="button" href={view.back.href}>
              {view.back.words}
            </a>
          </div>
          <UndoBar t={t} />
          <p id="sign-state" role="alert" />
          <noscript>
            <p>{w.noScript}</p>
          </noscript>
        </form>
      )}
      {view.old || view.confirm ? null : (
        // Shown by the script where this browser holds none of the person's keys; at once where there is none at all.
        <section id="make-key-here" class="stack" hidden={toSign.length > 0}>
          <Notice tone="note">
            <p>{toSign.length > 0 ? w.noKeyHere : w.makeKeyFirst}</p>
          </Notice>
          {view.makeKey}
        </section>
      )}
      <p class="meta">
        <a href={paths.keys}>{w.toKeys}</a>
      </p>
      {view.demonstration ? <p class="meta">{w.demonstration}</p> : null}
      <script src={assetUrl('keys.js')} defer />
    </div>
  );
}

/** "Show that it is you": a passkey, or in the demonstration a button that says what it stands for. */
export function Confirm({
  t,
  demonstration,
  passkeys,
  to,
  words,
  beside = false,
}: {
  t: Text;
  demonstration: boolean;
  passkeys: boolean;
  /** Where it leads back to. */
  to: string;
  words: string;
  /** Stands on a page whose first act is another. */
  beside?: boolean;
}) {
  const w = t.signing;
  return (
    <section class="stack" aria-labelledby="confirm-title">
      <h2 id="confirm-title">{w.confirmTitle}</h2>
      <p>{words}</p>
      {passkeys ? (
        <form
          class="stack-tight"
          method="post"
          action="/sign-in/confirm/passkey"
          data-passkey="confirm"
          data-waiting={t.passkeys.waiting}
          data-refused={w.notConfirmed}
        >
          <Hidden values={{ to }} />
          <div class="cluster">
            <button class={beside ? 'button' : 'button primary'} type="submit" disabled>
              {w.confirmPasskey}
            </button>
            <span role="status" />
          </div>
          <script src={assetUrl('passkey.js')} defer />
        </form>
      ) : null}
      {demonstration ? (
        <form method="post" action="/sign-in/confirm" class="stack-tight">
          <Hidden values={{ to }} />
          <p class="soft">{w.confirmDemonstration}</p>
          <button class="button" type="submit">
            {w.confirmButton}
          </button>
        </form>
      ) : null}
    </section>
  );
}
