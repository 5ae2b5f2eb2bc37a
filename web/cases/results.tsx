// Station 1, web: published results of our instruments, read into the form of the assessment that the reader holds. Nothing is
// recorded here: a person checks what was filled in and records it. A stated total that the answers do not give is shown.
import type { Context } from 'hono';
import { openTasksOf } from '../../db/views/case.ts';
import { instrumentById } from '../../domain/instruments/registry.ts';
import type { TaskKind } from '../../domain/lifecycle.ts';
import { isRefusal, type Refusal, refuse } from '../../domain/refusal.ts';
import { type ImportedResult, readAssessmentResults } from '../../fhir/results.ts';
import type { WebDeps, WebEnv } from '../deps.ts';
import { BUNDLE_BYTES, readBody } from '../form.ts';
import { signedIn } from '../guard.ts';
import { Field } from '../parts/field.tsx';
import { FileField } from '../parts/file-field.tsx';
import { Icon } from '../parts/icon.tsx';
import { Notice } from '../parts/notice.tsx';
import { Said } from '../parts/said.tsx';
import { Tag } from '../parts/tag.tsx';
import { paths } from '../paths.ts';
import { pageAnswer, refusedPage, tooLarge, wordsFor } from '../respond.tsx';
import type { Routes } from '../routes.ts';
import { draftOf, keepDraft } from '../tasks/drafts.ts';
import { instrumentsOf, itemField, statedField, type Typed } from '../tasks/fields.ts';
import type { Text } from '../text/text.ts';
import { filesOf } from '../upload.ts';
import { caseToSee, type Seen } from './see.tsx';

/** What became of one result of a file. */
interface Filled {
  readonly instrument: string;
  readonly taken: boolean;
  readonly why: 'foreign' | 'not-attachable' | null;
  readonly result: ImportedResult;
}

type Outcome =
  | { readonly kind: 'filled'; readonly task: string; readonly results: readonly Filled[] }
  | { readonly kind: 'refused'; readonly faults: readonly { code: string; path: string; message: string }[] };

/** Whether a task's form takes results: the two that measure. */
export const takesResults = (kind: TaskKind): boolean => kind === 'assess' || kind === 're-evaluate';

/** Declares the door for results, for people and for programs. */
export function resultRoutes(r: Routes, deps: WebDeps): void {
  r.get('/cases/:id/import-results', 'assess', async (c) => {
    const seen = await caseToSee(c, deps, signedIn(c), null, 'assess');
    return seen instanceof Response ? seen : await formPage(c, deps, seen);
  });

  r.post('/cases/:id/import-results', 'assess', async (c) => {
    const session = signedIn(c);
    const seen = await caseToSee(c, deps, session, null, 'assess');
    if (seen instanceof Response) return seen;
    const type = (c.req.header('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
    const program = type === 'application/fhir+json' || type === 'application/json';
    const t = wordsFor(c, deps);
    let bytes: Uint8Array | undefined;
    if (program) {
      const body = await readBody(c, BUNDLE_BYTES);
      if (body === 'too-large')
        return c.json(
          { faults: [{ code: 'too-large', path: '', message: 'The file is larger than 10 MiB.' }] },
          413,
        );
      bytes = body;
    } else {
      const files = await filesOf(c);
      if (files === 'too-large') return await tooLarge(c, deps);
      if (isRefusal(files)) return await refusedPage(c, deps, files);
      [{ bytes } = { bytes: undefined }] = files;
      if (!bytes) return await formPage(c, deps, seen, t.importing.nothing);
    }
    const outcome = await fill(deps, seen, bytes);
    if (program)
      return isRefusal(outcome)
        ? c.json({ refused: outcome.code }, 409)
        : outcome.kind === 'refused'
          ? c.json({ faults: outcome.faults }, 422)
          : c.json({
              task: outcome.task,
              results: outcome.results.map(({ instrument, taken, why, result }) => ({
                instrument,
                taken,
                why,
                total: result.score.ok ? result.score.total : null,
                stated: result.statedTotal,
                findings: result.findings.map(({ code, text }) => ({ code, text: text[t.lang] })),
              })),
            });
    if (isRefusal(outcome)) return await formPage(c, deps, seen, undefined, outcome);
    const filled = outcome.kind === 'filled' && outcome.results.some(({ taken }) => taken);
    return await pageAnswer(
      c,
      deps,
      {
        title: t.resultsIn.title,
        caseNumber: seen.head.number,
        back: { href: paths.case(seen.head.id), words: t.case.title(seen.head.number) },
        error: !filled,
      },
      <Results t={t} outcome={outcome} />,
      filled ? 200 : 422,
    );
  });
}

/** Puts the answers into the draft of the assessment that this person holds. */
async function fill(deps: WebDeps, seen: Seen, bytes: Uint8Array): Promise<Outcome | Refusal> {
  const { head, session } = seen;
  const tasks = await openTasksOf(deps.db, head.id, deps.now());
  const task = tasks.find(({ kind, holder }) => takesResults(kind) && holder?.id === session.person);
  if (!task) return refuse('not-claimed');
  const read = readAssessmentResults(bytes);
  if (read.kind === 'refused') return { kind: 'refused', faults: read.faults };
  const known = instrumentsOf(task.kind, task.discipline).map(({ id }) => id);
  const results = read.results.map((result): Filled => {
    const foreign = !known.includes(result.instrument);
    return {
      instrument: result.instrument,
      taken: result.attachable && !foreign,
      why: foreign ? 'foreign' : result.attachable ? null : 'not-attachable',
      result,
    };
  });
  const taken = results.filter((one) => one.taken);
  if (taken.length > 0) {
    const about = { id: task.id, caseId: head.id };
    const before = await draftOf(deps, session.person, about);
    const answers: Record<string, readonly string[]> = {};
    for (const { instrument, result } of taken) {
      for (const [item, answer] of Object.entries(result.answers))
        if (typeof answer === 'number') answers[itemField(instrument, item)] = [String(answer)];
      // Also when it says nothing: a total of an earlier file is none of this one.
      answers[statedField(instrument)] = [result.statedTotal === null ? '' : String(result.statedTotal)];
    }
    const typed: Typed = { ...before?.typed, ...answers };
    await keepDraft(deps, session.person, about, task.claimNumber, typed);
  }
  return { kind: 'filled', task: task.id, results };
}

async function formPage(
  c: Context<WebEnv>,
  deps: WebDeps,
  { head, session }: Seen,
  fault?: string,
  refusal?: Refusal,
): Promise<Response> {
  const t = wordsFor(c, deps);
  const tasks = await openTasksOf(deps.db, head.id, deps.now());
  const mine = tasks.some(({ kind, holder }) => takesResults(kind) && holder?.id === session.person);
  return await pageAnswer(
    c,
    deps,
    {
      title: t.resultsIn.title,
      lead: t.resultsIn.lead,
      caseNumber: head.number,
      back: { href: paths.case(head.id), words: t.case.title(head.number) },
      ...(fault ? { faults: [{ field: 'file', words: fault }] } : {}),
    },
    <form
      class="form-page stack"
      method="post"
      action={paths.importResults(head.id)}
      enctype="multipart/form-data"
    >
      {mine ? null : <Notice tone="note">{t.resultsIn.claimFirst}</Notice>}
      <FileField t={t} label={t.importing.file} fault={fault} />
      <Field t={t} control="textarea" name="text" label={t.importing.text} optional rows={6} />
      <div class="actions">
        <button class="button primary" type="submit">
          <Icon name="upload" />
          {t.importing.read}
        </button>
      </div>
    </form>,
    refusal ? 409 : fault ? 422 : 200,
  );
}

function Results({ t, outcome }: { t: Text; outcome: Outcome }) {
  if (outcome.kind === 'refused')
    return (
      <Notice tone="late">
        <ul>
          {outcome.faults.map(({ code, path, message }) => (
            <li>
              {t.importing.faults[code] ?? message}{' '}
              {path ? (
                <span class="soft">
                  {t.importing.at('')}
                  <Said inline text={path} />
                </span>
              ) : null}
            </li>
          ))}
        </ul>
      </Notice>
    );
  const filled = outcome.results.some(({ taken }) => taken);
  return (
    <div class="stack">
      {filled ? null : <Notice tone="late">{t.resultsIn.none}</Notice>}
      <ul class="plain stack-tight">
        {outcome.results.map(({ instrument, taken, why, result }) => (
          <li class="card stack-tight">
            <div class="spread">
              <h2>{instrumentById(instrument)?.name[t.lang] ?? instrument}</h2>
              {taken ? (
                <Tag tone="good" word={t.resultsIn.taken} />
              ) : (
                <Tag tone="late" word={t.resultsIn.notTaken} />
              )}
            </div>
            {result.score.ok && result.score.total !== null ? (
              <p>{t.resultsIn.computed(t.number(result.score.total, 1))}</p>
            ) : null}
            {result.statedTotal !== null &&
            result.score.ok &&
            result.score.total !== null &&
            result.statedTotal !== result.score.total ? (
              <Notice tone="late">
                <p>
                  {t.instruments.statedDiffers(
                    t.number(result.statedTotal, 1),
                    t.number(result.score.total, 1),
                  )}
                </p>
              </Notice>
            ) : null}
            {why === 'foreign' ? <p>{t.resultsIn.foreign}</p> : null}
            {result.findings.length > 0 ? (
              <ul>
                {result.findings.map((finding) => (
                  <li>{finding.text[t.lang]}</li>
                ))}
              </ul>
            ) : null}
            {result.subject ? (
              <p class="meta">
                <Said inline text={t.resultsIn.subject(result.subject)} />
              </p>
            ) : null}
          </li>
        ))}
      </ul>
      {filled ? (
        <p>
          <a class="button primary" href={paths.task(outcome.task)}>
            {t.resultsIn.toTask}
          </a>
        </p>
      ) : null}
    </div>
  );
}
