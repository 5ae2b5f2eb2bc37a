// Station 1, web: help and contact at the same place for everybody, signed in or not: keys, marks, accessibility.
import type { WebDeps } from '../deps.ts';
import { KeysList } from '../layout.tsx';
import { ProofLine } from '../parts/proof-mark.tsx';
import { pageAnswer, wordsFor } from '../respond.tsx';
import { type Routes, routes } from '../routes.ts';

export function helpRoutes(deps: WebDeps): Routes {
  const r = routes(deps);
  r.get('/help', 'public', async (c) => {
    const t = wordsFor(c, deps);
    return await pageAnswer(
      c,
      deps,
      { title: t.help.title, lead: t.help.lead },
      <div class="stack-wide form-page">
        <section class="stack-tight">
          <p>{t.help.contact}</p>
        </section>
        <section class="stack-tight" aria-labelledby="marks">
          <h2 id="marks">{t.help.proofTitle}</h2>
          <ul class="plain stack-tight">
            <li>
              <ProofLine t={t} proof={{ state: 'pending' }} />
            </li>
            <li>
              <ProofLine t={t} proof={{ state: 'sequenced', index: 42 }} />
            </li>
            <li>
              <ProofLine t={t} proof={{ state: 'anchored', index: 42 }} />
            </li>
          </ul>
        </section>
        <section class="stack-tight" aria-labelledby="keys-help">
          <h2 id="keys-help">{t.help.keysTitle}</h2>
          <p class="soft">
            {t.help.keysOff} <a href="/settings">{t.frame.settings}</a>
          </p>
          <KeysList t={t} />
        </section>
        <section class="stack-tight" id="accessibility" aria-labelledby="accessibility-title">
          <h2 id="accessibility-title">{t.help.accessibilityTitle}</h2>
          <p>{t.help.accessibility}</p>
        </section>
      </div>,
    );
  });
  return r;
}
