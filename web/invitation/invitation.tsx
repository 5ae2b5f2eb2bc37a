// Station 1, web: the page behind an invitation's link, the same for everybody: what the link opens the script learns by asking. Names
// nobody and holds no secret.
import { assetUrl } from '../assets/manifest.ts';
import { Icon } from '../parts/icon.tsx';
import { Notice } from '../parts/notice.tsx';
import { paths } from '../paths.ts';
import type { Text } from '../text/text.ts';

export function InvitationPage({ t, passkeys }: { t: Text; passkeys: boolean }) {
  const w = t.invitations;
  if (!passkeys) return <Notice tone="note">{t.passkeys.needsName}</Notice>;
  return (
    <div class="sign-in stack">
      <noscript>
        <Notice tone="late">{w.noScript}</Notice>
      </noscript>
      <section class="card" data-invitation="" hidden>
        <form
          class="stack"
          method="post"
          action={paths.invitation}
          data-passkey="invitation"
          data-waiting={t.passkeys.waiting}
          data-refused={t.passkeys.refused}
        >
          <p>
            {w.welcome}
            {t.marks.colon}
            <b>
              <bdi data-name="" hx-ignore="" />
            </b>
          </p>
          <p class="soft">{w.welcomeHint}</p>
          <div class="cluster">
            <button class="button primary" type="submit" disabled>
              <Icon name="key-round" />
              {w.accept}
            </button>
            <span role="status" />
          </div>
        </form>
      </section>
      <div role="alert">
        <div data-void="" hidden>
          <Notice tone="late">
            <p data-words="">{w.void}</p>
          </Notice>
        </div>
      </div>
      <script src={assetUrl('passkey.js')} defer />
    </div>
  );
}
