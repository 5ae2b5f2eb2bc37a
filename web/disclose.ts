// Station 1 to 4, web: the audited read (SECURITY.md P7). Whoever is about to be shown something about a person has that
// written down first: at most one entry per person, case and view in the parameters' window. Shows nothing itself.
import { and, desc, eq, gt, isNull } from 'drizzle-orm';
import { disclosures } from '../db/schema.ts';
import type { WebDeps } from './deps.ts';
import { type Asking, recordDisclosure } from './recorded.ts';

/**
 * Returns once it stands that this person was shown this view of this case (`null`: a view of several cases).
 * @param view a short closed name: `task`, `case`, `day` and so on
 */
export async function disclose(
  deps: WebDeps,
  asking: Asking,
  view: string,
  caseId: string | null,
): Promise<void> {
  const now = deps.now();
  const window = deps.parameters.figures['disclosure-window'].value * 60_000;
  const [known] = await deps.db
    .select({ id: disclosures.id })
    .from(disclosures)
    .where(
      and(
        eq(disclosures.personId, asking.person),
        eq(disclosures.view, view),
        gt(disclosures.shownAt, new Date(now.getTime() - window).toISOString()),
        caseId ? eq(disclosures.caseId, caseId) : isNull(disclosures.caseId),
        eq(disclosures.role, asking.role),
      ),
    )
    .orderBy(desc(disclosures.shownAt))
    .limit(1);
  if (known) return;
  // Two looks at the same instant share a key, so that they are one entry and not two.
  const slot = Math.floor(now.getTime() / window);
  await recordDisclosure(
    deps.recorder,
    `look-${view}-${caseId ?? 'all'}-${asking.person}-${asking.role}-${slot}`,
    asking,
    view,
    caseId,
  );
}
