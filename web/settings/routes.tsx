// Station 1, web: settings and passkeys of the person who is signed in, and the change of language that every page offers.
import type { Context } from 'hono';
import { allows } from '../../domain/permissions.ts';
import { refuse } from '../../domain/refusal.ts';
import type { WebDeps, WebEnv } from '../deps.ts';
import { fieldsSent } from '../form.ts';
import { signedIn } from '../guard.ts';
import { ownAddress, paths } from '../paths.ts';
import { DENSITIES, keepPreference, preferencesOf, THEMES, UNDO } from '../preferences.ts';
import { goTo, pageAnswer, refusedPage, wordsFor } from '../respond.tsx';
import { type Routes, routes } from '../routes.ts';
import { endSession, isFresh, sessionsOf } from '../session.ts';
import {
  addOptions,
  addPasskey,
  jsonBody,
  passkeysOf,
  passkeysWork,
  removePasskey,
} from '../sign-in/passkeys.ts';
import { Confirm } from '../signatures/sign.tsx';
import { LANGS } from '../text/formats.ts';
import { Settings } from './settings.tsx';

export function settingsRoutes(deps: WebDeps): Routes {
  const r = routes(deps);

  r.get('/settings', 'settings.change', async (c) => {
    const t = wordsFor(c, deps);
    const asked = c.req.query('done');
    return await pageAnswer(
      c,
      deps,
      { title: t.settings.title },
      <Settings
        t={t}
        preferences={preferencesOf(c)}
        passkeys={await passkeysOf(deps, signedIn(c).person)}
        passkeysWork={passkeysWork(deps.settings.publicUrl)}
        confirm={
          isFresh(signedIn(c), deps.now()) ? undefined : (
            <Confirm
              t={t}
              demonstration={deps.settings.demonstration}
              passkeys={passkeysWork(deps.settings.publicUrl)}
              to={paths.settings}
              words={t.passkeys.confirmFirst}
              beside
            />
          )
        }
        sessions={await sessionsOf(deps, signedIn(c))}
        signs={allows(signedIn(c).role, 'signatures.see')}
        done={asked === 'saved' || asked === 'passkey' || asked === 'session' ? asked : undefined}
      />,
    );
  });

  r.post('/settings', 'settings.change', async (c) => {
    const fields = await fieldsSent(c, deps, { one: ['lang', 'theme', 'density', 'keys', 'undo'] });
    if (fields instanceof Response) return fields;
    const known = {
      lang: LANGS.find((one) => one === fields.get('lang')),
      theme: THEMES.find((one) => one === fields.get('theme')),
      density: DENSITIES.find((one) => one === fields.get('density')),
      keys: (['on', 'off'] as const).find((one) => one === fields.get('keys')),
      undo: UNDO.find((one) => one === fields.get('undo')),
    };
    for (const name of ['lang', 'theme', 'density', 'keys', 'undo'] as const) {
      const value = known[name];
      if (fields.has(name) && !value) return await refusedPage(c, deps, refuse('malformed'));
      if (value) keepPreference(c, name, value);
    }
    return goTo(c, `${paths.settings}?done=saved`);
  });

  // Also for people who are not signed in: the sign-in page speaks both languages.
  r.post('/settings/language', 'public', async (c) => {
    const fields = await fieldsSent(c, deps, { one: ['language', 'from'] });
    if (fields instanceof Response) return fields;
    const lang = LANGS.find((one) => one === fields.get('language'));
    if (!lang) return await refusedPage(c, deps, refuse('malformed'));
    keepPreference(c, 'lang', lang);
    return goTo(c, ownAddress(fields.get('from')) ?? '/');
  });

  /** Ways to sign in change only for whoever proved a moment ago who they are (I6); the page says how. */
  const stale = (c: Context<WebEnv>): Response | undefined =>
    isFresh(signedIn(c), deps.now())
      ? undefined
      : c.json({ words: wordsFor(c, deps).passkeys.confirmFirst, go: paths.settings }, 403);

  r.post('/settings/passkeys/options', 'settings.change', async (c) => {
    const refused = stale(c);
    if (refused) return refused;
    const options = await addOptions(deps, signedIn(c));
    return options ? c.json(options) : c.json({ words: wordsFor(c, deps).passkeys.refused }, 409);
  });

  r.post(
    '/settings/passkeys',
    'settings.change',
    async (c) =>
      stale(c) ??
      ((await addPasskey(deps, signedIn(c), await jsonBody(c)))
        ? c.json({ go: `${paths.settings}?done=passkey` })
        : c.json({ words: wordsFor(c, deps).passkeys.refused }, 422)),
  );

  r.post('/settings/passkeys/remove', 'settings.change', async (c) => {
    const fields = await fieldsSent(c, deps, { one: ['passkey'] });
    if (fields instanceof Response) return fields;
    if (stale(c)) return goTo(c, paths.settings);
    const removed = await removePasskey(deps, signedIn(c).person, fields.get('passkey'));
    return removed.length > 0
      ? goTo(c, `${paths.settings}?done=saved`)
      : await refusedPage(c, deps, refuse('unknown'));
  });

  r.post('/settings/sessions/end', 'settings.change', async (c) => {
    const fields = await fieldsSent(c, deps, { one: ['session'] });
    if (fields instanceof Response) return fields;
    return (await endSession(deps, signedIn(c), fields.get('session')))
      ? goTo(c, `${paths.settings}?done=session`)
      : await refusedPage(c, deps, refuse('unknown'));
  });

  return r;
}
