// Station 1, web: applying. A form for people, a door for records (FHIR R4) for people and programs; both end in the same act.
// What a record says is taken from the sealed draft, never from the form. Nothing is stored of a file that is refused.

import { eq } from 'drizzle-orm';
import type { Context } from 'hono';
import { persons } from '../../db/schema.ts';
import { lastOpened } from '../../db/views/case.ts';
import { type ActInput, daysToCome, readActValues } from '../../domain/acts.ts';
import { isUuid } from '../../domain/ids.ts';
import { type FieldFault, isRefusal, refuse } from '../../domain/refusal.ts';
import { RELATIONS } from '../../domain/roles.ts';
import { readBundle } from '../../fhir/import.ts';
import { nodeHashing } from '../../ledger/record-key.ts';
import { answerAct, operationKey } from '../acting.tsx';
import { todayIn } from '../clock-view.ts';
import type { Session, WebDeps, WebEnv } from '../deps.ts';
import { BUNDLE_BYTES, fieldsSent, readBody } from '../form.ts';
import { signedIn } from '../guard.ts';
import { faultWords } from '../parts/error-summary.tsx';
import { dateOf } from '../parts/field.tsx';
import { Notice } from '../parts/notice.tsx';
import { paths } from '../paths.ts';
import {
  goTo,
  pageAnswer,
  pageOrFragment,
  refusalFaults,
  refusedPage,
  tooLarge,
  wordsFor,
} from '../respond.tsx';
import { type Routes, routes } from '../routes.ts';
import { filesOf } from '../upload.ts';
import { ApplyForm, ApplyPage, type ApplyView, DraftList } from './apply.tsx';
import { draftOf, draftsOf, dropDraft, keepDraft } from './drafts.ts';
import { ImportForm, ImportResults, type Taken } from './importing.tsx';
import { type DraftContent, draftContent, draftReport, prefilled, recordPart } from './record-draft.ts';

const DATE_PARTS = ['day', 'month', 'year'];
const ONE = [
  'key',
  'draft',
  'patientName',
  'sex',
  'language',
  'reason',
  'goals',
  ...DATE_PARTS.flatMap((part) => [`birthDate.${part}`, `reasonSince.${part}`]),
];

export function applyRoutes(deps: WebDeps): Routes {
  const r = routes(deps);

  r.get('/apply', 'submit-application', async (c) => {
    const session = signedIn(c);
    const t = wordsFor(c, deps);
    const asked = c.req.query('draft');
    const draft = asked === undefined ? undefined : await ownDraft(deps, session, asked);
    if (asked !== undefined && !draft) return await refusedPage(c, deps, refuse('unknown'));
    const drafts = draft ? [] : await draftsOf<DraftContent>(deps, session.person);
    const sent = draft ? undefined : await justSent(deps, session);
    const view: ApplyView = {
      key: operationKey(deps, session.person, 'submit-application', 'new'),
      values: draft ? prefilled(draft.content) : {},
      faults: [],
      draft,
      known: await knownOf(deps, session),
    };
    return await pageAnswer(
      c,
      deps,
      optionsFor(t, session),
      <>
        {sent ? (
          <div class="page-part">
            <Notice
              tone="note"
              actions={
                <a class="button" href={paths.case(sent.id)}>
                  {sent.number}
                </a>
              }
            >
              <p>{t.apply.justSent(sent.number, t.time(sent.openedAt))}</p>
            </Notice>
          </div>
        ) : null}
        {drafts.length > 0 ? (
          <section class="stack-tight page-part">
            <h2>{t.apply.draftTitle}</h2>
            <p>{t.apply.draftLead}</p>
            <DraftList t={t} drafts={drafts} />
          </section>
        ) : null}
        <ApplyPage t={t} view={view} />
      </>,
    );
  });

  r.post('/apply', 'submit-application', async (c) => {
    const session = signedIn(c);
    const t = wordsFor(c, deps);
    const fields = await fieldsSent(c, deps, { one: ONE });
    if (fields instanceof Response) return fields;
    const draftId = fields.get('draft');
    const draft = draftId === '' ? undefined : await ownDraft(deps, session, draftId);
    if (draftId !== '' && !draft) return await refusedPage(c, deps, refuse('unknown'));
    const known = await knownOf(deps, session);
    const typed = typedIn(fields.sent);
    const key = fields.get('key');
    const again = (faults: readonly FieldFault[], status: 409 | 422 | 503, over: Partial<ApplyView> = {}) => {
      const words = faultWords(t, faults);
      const view: ApplyView = { key, values: typed, faults: words, draft, known, ...over };
      const options = optionsFor(t, session);
      return status === 503
        ? pageAnswer(c, deps, { ...options, error: true }, <ApplyPage t={t} view={view} />, 503)
        : pageOrFragment(
            c,
            deps,
            { ...options, faults: words, error: true },
            <ApplyPage t={t} view={view} />,
            () => <ApplyForm t={t} view={view} />,
            status,
          );
    };
    const input: ActInput<'submit-application'> = {
      patientName: known?.name ?? typed.patientName ?? '',
      birthDate: known?.birthDate ?? typed.birthDate ?? '',
      sex: (typed.sex || 'unknown') as ActInput<'submit-application'>['sex'],
      language: typed.language ?? '',
      reason: typed.reason ?? '',
      reasonSince: typed.reasonSince ?? '',
      goals: typed.goals ?? '',
      ...(draft ? recordPart(draft.content, typed.reason ?? '', typed.goals ?? '', t.lang) : {}),
    };
    const read = readActValues('submit-application', input);
    const faults = 'faults' in read ? read.faults : daysToCome(read.values, deps.now().toISOString());
    if ('faults' in read || faults.length > 0) return await again(faults, 422);
    return await answerAct(c, deps, {
      action: 'submit-application',
      asking: session,
      key,
      values: read.values,
      again: ({ status, refusal, notice, key: next }) =>
        again(refusal?.fields ?? [], status, {
          key: next,
          notice,
          faults: refusal ? refusalFaults(t, refusal) : [],
        }),
      async done({ caseId }) {
        if (draft) await dropDraft(deps, session.person, draft.id);
        return goTo(c, `${paths.my}?done=submit-application&case=${caseId}&receipt=${key}`);
      },
    });
  });

  r.post('/apply/drafts/:id/drop', 'application.import', async (c) => {
    const session = signedIn(c);
    const draft = await ownDraft(deps, session, c.req.param('id') ?? '');
    if (!draft) return await refusedPage(c, deps, refuse('unknown'));
    await dropDraft(deps, session.person, draft.id);
    return goTo(c, paths.my);
  });

  r.get('/apply/import', 'application.import', async (c) => {
    const t = wordsFor(c, deps);
    return await pageAnswer(
      c,
      deps,
      { title: t.importing.title, lead: t.importing.lead },
      <ImportForm t={t} doctor={signedIn(c).role === 'doctor'} />,
    );
  });

  r.post('/apply/import', 'application.import', async (c) => {
    const session = signedIn(c);
    const type = (c.req.header('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
    if (type === 'application/fhir+json' || type === 'application/json')
      return await importForProgram(c, deps, session);
    const t = wordsFor(c, deps);
    const files = await filesOf(c);
    if (files === 'too-large') return await tooLarge(c, deps);
    if (isRefusal(files)) return await refusedPage(c, deps, files);
    if (files.length === 0)
      return await pageAnswer(
        c,
        deps,
        {
          title: t.importing.title,
          lead: t.importing.lead,
          faults: [{ field: 'file', words: t.importing.nothing }],
        },
        <ImportForm t={t} fault={t.importing.nothing} doctor={session.role === 'doctor'} />,
        422,
      );
    const taken: Taken[] = [];
    for (const { name, bytes } of files) taken.push({ name, ...(await take(deps, session, bytes)) });
    const [only] = taken;
    if (taken.length === 1 && only?.kind === 'draft' && session.role !== 'doctor')
      return goTo(c, paths.applyDraft(only.id));
    const status = taken.some(({ kind }) => kind === 'draft')
      ? 200
      : taken.some(({ kind }) => kind === 'refused')
        ? 422
        : 409;
    return await pageAnswer(
      c,
      deps,
      {
        title: t.importing.resultsTitle,
        back: { href: paths.importRecord, words: t.importing.title },
        error: status !== 200,
      },
      <ImportResults t={t} taken={taken} />,
      status,
    );
  });

  return r;
}

const optionsFor = (t: ReturnType<typeof wordsFor>, session: Session) => ({
  title: t.apply.title,
  lead: t.apply.lead,
  back: { href: paths.my, words: session.role === 'referrer' ? t.navigation.applications : t.navigation.my },
  ...(session.role === 'referrer' ? {} : { audience: 'patient' as const }),
});

/** A form's fields with the parts of its dates put together. */
function typedIn(sent: Readonly<Record<string, string>>): Record<string, string> {
  return {
    ...Object.fromEntries(
      ['patientName', 'sex', 'language', 'reason', 'goals'].map((name) => [name, sent[name] ?? '']),
    ),
    birthDate: dateOf(sent, 'birthDate'),
    reasonSince: dateOf(sent, 'reasonSince'),
  };
}

/** Who applies for themselves need not say who they are: their own row does. */
async function knownOf(deps: WebDeps, session: Session): Promise<ApplyView['known']> {
  if (session.role !== 'patient') return undefined;
  const [row] = await deps.db
    .select({ birthDate: persons.birthDate })
    .from(persons)
    .where(eq(persons.id, session.person));
  return { name: session.name, birthDate: row?.birthDate ?? null };
}

/** Whoever goes back after sending finds the form as they left it; a browser keeps what was typed, and the key is a new one. */
const JUST_SENT_MINUTES = 15;

async function justSent(deps: WebDeps, session: Session) {
  const relation = RELATIONS.find((known) => known === session.role);
  const since = new Date(deps.now().getTime() - JUST_SENT_MINUTES * 60_000).toISOString();
  return relation && (await lastOpened(deps.db, session.person, relation, since));
}

async function ownDraft(deps: WebDeps, session: Session, id: string) {
  return isUuid(id) ? await draftOf<DraftContent>(deps, session.person, id) : undefined;
}

type Outcome = Taken extends infer T ? (T extends unknown ? Omit<T, 'name'> : never) : never;

/** Reads one file and keeps it as a draft, or says why not. */
async function take(deps: WebDeps, session: Session, bytes: Uint8Array): Promise<Outcome> {
  const answer = readBundle(bytes, { today: todayIn(deps.parameters, deps.now()), hash: nodeHashing.hash });
  if (answer.kind === 'refused') return answer;
  const content = draftContent(answer.draft);
  // The same digest that the application will carry, so that either finds the other.
  const digest = deps.keyed(`source\n${content.source}`);
  const kept = await keepDraft(deps, session.person, digest, content, deps.now());
  return 'duplicate' in kept
    ? { kind: 'duplicate', of: kept.duplicate, id: kept.id }
    : { kind: 'draft', id: kept.id, content };
}

/** The door for programs: one bundle as the body, the outcome as JSON. */
async function importForProgram(c: Context<WebEnv>, deps: WebDeps, session: Session): Promise<Response> {
  const bytes = await readBody(c, BUNDLE_BYTES);
  if (bytes === 'too-large')
    return c.json(
      { faults: [{ code: 'too-large', path: '', message: 'The file is larger than 10 MiB.' }] },
      413,
    );
  const outcome = await take(deps, session, bytes);
  switch (outcome.kind) {
    case 'draft':
      return c.json({ draft: outcome.id, ...draftReport(outcome.content, wordsFor(c, deps).lang) }, 201);
    case 'duplicate':
      return c.json({ duplicate: outcome.of, draft: outcome.id }, 409);
    case 'refused':
      return c.json({ faults: outcome.faults }, 422);
    default:
      return outcome satisfies never;
  }
}
