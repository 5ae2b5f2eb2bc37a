// Station 1, web: `/cases/ID/evidence`, a case's evidence as one file, for auditors, officers, the patient and who stands for them.
// The look is recorded before the file is made; it opens what this reader may see and nothing else. Paced by person.
import type { Context } from 'hono';
import { allows } from '../../domain/permissions.ts';
import { refuse } from '../../domain/refusal.ts';
import { caseToSee } from '../cases/see.tsx';
import type { WebDeps, WebEnv } from '../deps.ts';
import { signedIn } from '../guard.ts';
import { throttle } from '../log/throttle.ts';
import { Notice } from '../parts/notice.tsx';
import { pageAnswer, refusedPage, wordsFor } from '../respond.tsx';
import { type Routes, routes } from '../routes.ts';

/** Making a file reads a whole case and blocks of the chain; nobody needs many at once. */
const ALLOWANCE = { burst: 10, perSecond: 0.1 };

export function evidenceRoutes(deps: WebDeps): Routes {
  const r = routes(deps);
  const wait = throttle(ALLOWANCE, () => performance.now());

  r.get('/cases/:id/evidence', 'case.evidence', async (c) => {
    const session = signedIn(c);
    const seen = await caseToSee(c, deps, session, 'evidence', 'case.evidence');
    if (seen instanceof Response) return seen;
    if (!deps.evidence) return await refusedPage(c, deps, refuse('unknown'));
    const seconds = wait(session.person);
    if (seconds > 0) return c.text('429', 429, { 'Retry-After': String(seconds) });
    const file = await deps.evidence(seen.head.id, { care: seen.clinical, t: wordsFor(c, deps) });
    if (!file) return await notYet(c, deps);
    return c.body(new Uint8Array(file.bytes), 200, {
      'Content-Type': 'application/zip',
      'Content-Disposition': `attachment; filename="${file.name}"`,
    });
  });

  return r;
}

/** Acts of the last moment have no place in the log yet: says so, and offers to ask again. */
async function notYet(c: Context<WebEnv>, deps: WebDeps): Promise<Response> {
  const { evidence } = wordsFor(c, deps);
  c.header('Retry-After', '5');
  return await pageAnswer(
    c,
    deps,
    { title: evidence.notYetTitle, error: true },
    <Notice tone="late">
      <p>{evidence.notYet}</p>
      <p>
        <a href={c.req.path}>{evidence.askAgain}</a>
      </p>
    </Notice>,
    503,
  );
}

/** Whether a person in this role is offered a case's evidence. */
export const offersEvidence = (
  deps: Pick<WebDeps, 'evidence'>,
  role: Parameters<typeof allows>[0],
): boolean => deps.evidence !== undefined && allows(role, 'case.evidence');
