// Station 1, web: a person's settings and passkeys. Plain forms; the passkey's own button needs script and says so.
import type { Child } from 'hono/jsx';
import { assetUrl } from '../assets/manifest.ts';
import { Field } from '../parts/field.tsx';
import { Icon } from '../parts/icon.tsx';
import { Moment } from '../parts/moment.tsx';
import { Notice } from '../parts/notice.tsx';
import { type Preferences, UNDO } from '../preferences.ts';
import type { OwnSession } from '../session.ts';
import { LANGS } from '../text/formats.ts';
import { type Text, text } from '../text/text.ts';

export function Settings({
  t,
  preferences,
  passkeys,
  passkeysWork,
  sessions,
  signs,
  confirm,
  done,
}: {
  t: Text;
  preferences: Preferences;
  passkeys: readonly { readonly id: string; readonly createdAt: string }[];
  passkeysWork: boolean;
  sessions: readonly OwnSession[];
  /** Whether acts of this role are signed. */
  signs: boolean;
  /** Stands in the place of what changes passkeys, until the person has shown who they are. */
  confirm: Child | undefined;
  done: 'saved' | 'passkey' | 'session' | undefined;
}) {
  return (
    <div class="form-page stack-wide">
      {done ? (
        <Notice tone="good">
          {{ saved: t.settings.saved, passkey: t.passkeys.done, session: t.settings.sessionEnded }[done]}
        </Notice>
      ) : null}
      <form method="post" action="/settings" class="stack">
        <Field
          t={t}
          control="radios"
          layout="row"
          name="lang"
          label={t.settings.language}
          value={t.lang}
          options={LANGS.map((lang) => ({ value: lang, label: text(lang).languageName, lang }))}
        />
        <Field
          t={t}
          control="radios"
          layout="row"
          name="theme"
          label={t.settings.theme}
          value={preferences.theme}
          options={(['system', 'light', 'dark'] as const).map((value) => ({
            value,
            label: t.settings.themes[value],
          }))}
        />
        <Field
          t={t}
          control="radios"
          layout="row"
          name="density"
          label={t.settings.density}
          value={preferences.density}
          options={(['comfortable', 'compact'] as const).map((value) => ({
            value,
            label: t.settings.densities[value],
          }))}
        />
        <Field
          t={t}
          control="radios"
          layout="row"
          name="keys"
          label={t.settings.keys}
          hint={t.settings.keysHint}
          value={preferences.keys ? 'on' : 'off'}
          options={[
            { value: 'on', label: t.settings.keysOn },
            { value: 'off', label: t.settings.keysOff },
          ]}
        />
        {signs ? (
          <Field
            t={t}
            control="radios"
            layout="row"
            name="undo"
            label={t.settings.undo}
            hint={t.settings.undoHint}
            value={preferences.undo}
            options={UNDO.map((value) => ({ value, label: t.settings.undos[value] }))}
          />
        ) : null}
        <div class="actions">
          <button class="button primary" type="submit">
            {t.settings.save}
          </button>
        </div>
      </form>
      <section class="stack" aria-labelledby="passkeys-title">
        <h2 id="passkeys-title">{t.settings.passkeys}</h2>
        {passkeys.length === 0 ? <p class="soft">{t.passkeys.none}</p> : null}
        <ul class="plain stack-tight">
          {passkeys.map(({ id, createdAt }) => (
            <li class="card spread">
              <span>
                <Icon name="key-round" /> {t.passkeys.last}
                {t.marks.comma}
                <span class="soft">
                  <Moment t={t} at={new Date(createdAt)} />
                </span>
              </span>
              {confirm ? null : (
                <form method="post" action="/settings/passkeys/remove">
                  <input type="hidden" name="passkey" value={id} />
                  <button class="button small" type="submit">
                    {t.passkeys.remove}
                  </button>
                </form>
              )}
            </li>
          ))}
        </ul>
        {confirm && (passkeysWork || passkeys.length > 0) ? (
          confirm
        ) : passkeysWork ? (
          <form
            class="stack-tight"
            method="post"
            action="/settings/passkeys"
            data-passkey="add"
            data-waiting={t.passkeys.waiting}
            data-refused={t.passkeys.refused}
          >
            <p class="soft">{t.settings.passkeyHint}</p>
            <div class="cluster">
              <button class="button" type="submit" disabled>
                <Icon name="plus" />
                {t.settings.addPasskey}
              </button>
              <span role="status" />
            </div>
            <noscript>
              <p class="soft">{t.signIn.noScript}</p>
            </noscript>
            <script src={assetUrl('passkey.js')} defer />
          </form>
        ) : (
          <p class="soft">{t.passkeys.needsName}</p>
        )}
      </section>
      <section class="stack" aria-labelledby="sessions-title">
        <h2 id="sessions-title">{t.settings.sessions}</h2>
        <p class="soft">{t.settings.sessionsHint}</p>
        <ul class="plain stack-tight">
          {sessions.map(({ id, role, since, seenAt, here }) => (
            <li class="card spread">
              <span>
                <Icon name="user" /> {t.frame.actingAs(t.roles[role])}
                <br />
                <span class="soft">
                  {t.settings.sessionSince} <Moment t={t} at={since} />
                  {t.marks.stop}
                  {t.settings.sessionSeen} <Moment t={t} at={seenAt} />
                  {t.marks.stop}
                </span>
              </span>
              {here ? (
                <span class="soft">{t.settings.sessionHere}</span>
              ) : (
                <form method="post" action="/settings/sessions/end">
                  <input type="hidden" name="session" value={id} />
                  <button class="button small" type="submit">
                    {t.settings.endSession}
                  </button>
                </form>
              )}
            </li>
          ))}
        </ul>
      </section>
    </div>
  );
}
