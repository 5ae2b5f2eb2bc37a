// Test support: the whole web app on a real Postgres, under the web's own database role. Decisions reach the worker's verbs
// directly, because the branch under test is the web's; everything else (sessions, claims, refusals, entries) is real.
import { randomUUID } from 'node:crypto';
import { addPerson } from '../../activities/people.ts';
import { type Connection, connect } from '../../db/connection.ts';
import { newestCheckpoint } from '../../db/views/log.ts';
import type { Refusal } from '../../domain/refusal.ts';
import type { Role } from '../../domain/roles.ts';
import { createApp } from '../../web/app.tsx';
import { type Ask, caseIdFor, sealedRequest } from '../../web/ask.ts';
import type { Verifying } from '../../web/audit/verifying.ts';
import { type Consortium, consortiumOver } from '../../web/consortium/members.ts';
import type { WebDeps } from '../../web/deps.ts';
import { createLiveFeed } from '../../web/live/feed.ts';
import { keepSent } from '../../web/outbox.ts';
import { createWatch } from '../../web/watch/watch.ts';
import { UPDATE_NAMES } from '../../workflows/messages.ts';
import { type ActRequest, type Answer, createWorld } from './case-world.ts';
import type { PageForm } from './pages.ts';
import { signedForm } from './signing.ts';

const NOWHERE = 'http://127.0.0.1:3000';

export type WebWorld = Awaited<ReturnType<typeof createWebWorld>>;

/** What a test sends as a form: one value, or several under one name. */
export type FormFields = Readonly<Record<string, string | number | readonly string[]>>;

/** Settings of the world: the case world's, and what the web is built with. */
export interface WebWorldOptions {
  readonly parameters?: string;
  readonly demonstration?: boolean;
  readonly verifying?: Verifying;
  /** What the members say; without it none of them answers. */
  readonly consortium?: Consortium;
  /** How the web makes evidence files, if it does. */
  readonly evidence?: (
    world: Awaited<ReturnType<typeof createWorld>> & { web: Connection },
  ) => WebDeps['evidence'];
  /** How long a request may take, milliseconds. */
  readonly requestMs?: number;
  /** Where a real server listens for the app, if one does. */
  readonly origin?: string;
}

export async function createWebWorld(options: WebWorldOptions = {}) {
  const ORIGIN = options.origin ?? NOWHERE;
  const world = await createWorld(undefined, {
    ...(options.parameters ? { parameters: options.parameters } : {}),
  });
  const web = connect(world.fresh.urls.web, { max: 10, name: 'test-web' });
  const live = await createLiveFeed(web.sql, async () => (await newestCheckpoint(web.db)).size);
  const keys = world.recorder.keys;
  /** How the next decisions are answered: by the verbs, or as when nobody answers. */
  let trouble: 'still-working' | 'unavailable' | undefined;
  /** With `still-working`, whether the act happens all the same, its answer being lost. */
  let arrives = false;
  /** What the next act of a person is answered with instead of being done. */
  let refusing: Refusal | undefined;
  /** As Temporal keeps it: an Update's answer stands under its id, whatever is asked under it again. */
  const standing = new Map<string, Answer>();
  let clock: () => Date = () => new Date();
  const faults: { requestId: string; path: string; error: unknown }[] = [];

  const send = async (request: ActRequest): Promise<Answer | { kind: 'still-working' | 'unavailable' }> => {
    if (trouble && !arrives) return { kind: trouble };
    const before = standing.get(request.key);
    if (before && !trouble) return before;
    const verb = world.verbs[UPDATE_NAMES[request.action]] as (r: ActRequest) => Promise<Answer>;
    const answer = refusing ?? (await verb(request));
    refusing = undefined;
    if (answer.kind === 'refusal') standing.set(request.key, answer);
    return trouble ? { kind: trouble } : answer;
  };
  const ask: Ask = {
    async act({ key, action, asking, caseId: known, task, values, signed }) {
      const caseId = known ?? caseIdFor(world.keyed('case ids'), key);
      if (!known) await world.keyStore.create('case', caseId);
      const caseKey = await keys.of('case', caseId);
      const request = sealedRequest(caseKey, {
        key,
        action,
        caseId,
        asking,
        task: task ?? null,
        values,
        signed,
      });
      const answer = await send(request);
      if (answer.kind === 'still-working') await keepSent(web.db, request, clock());
      return answer;
    },
    again: send,
  };

  const deps: WebDeps = {
    db: web.db,
    recorder: { ...world.recorder, sql: web.sql, now: () => clock() },
    ask,
    keyStore: world.keyStore,
    keys,
    keyed: world.keyed,
    // The world's service signs with a key that no authority certified.
    serviceCertificate: 'no certificate',
    parameters: world.parameters.set,
    live,
    verifying: options.verifying ?? {
      start: () => undefined,
      state: () => ({ running: false, startedAt: null, report: null, failed: false }),
    },
    consortium:
      options.consortium ??
      consortiumOver(
        () => undefined,
        () => new Date(),
      ),
    signing: { roots: world.members.roots, members: world.members.members },
    settings: {
      publicUrl: new URL(ORIGIN),
      demonstration: options.demonstration ?? true,
      ...(options.requestMs ? { requestMs: options.requestMs } : {}),
    },
    now: () => clock(),
    note: (fault) => faults.push(fault),
    stopped: () => watch.stopped(),
    health: async () => ({ postgres: true, temporal: trouble === undefined }),
  };
  const evidence = options.evidence?.({ ...world, web });
  if (evidence) Object.assign(deps, { evidence });
  const newWatch = () => createWatch({ ...deps, clock: () => clock().getTime() });
  const watch = newWatch();
  const { app, lines } = createApp(deps);
  world.onClose(async () => {
    await live.close().catch(() => undefined);
    await web.close();
  });

  /** A browser: a cookie jar and the two things people do with it. */
  function browser(jar: Map<string, string> = new Map()) {
    const keep = (response: Response): Response => {
      for (const line of response.headers.getSetCookie()) {
        const [, name, value] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
        if (name === undefined) continue;
        if (value === '' || /max-age=0/i.test(line)) jar.delete(name);
        else jar.set(name, value ?? '');
      }
      return response;
    };
    const cookie = () => [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    return {
      jar,
      /** Gets an address as a browser's navigation does. */
      async get(path: string, headers: Record<string, string> = {}): Promise<Response> {
        return keep(await app.request(`${ORIGIN}${path}`, { headers: { cookie: cookie(), ...headers } }));
      },
      /** Posts an ordinary form from a page of ours. */
      async post(
        path: string,
        fields: FormFields = {},
        headers: Record<string, string> = {},
      ): Promise<Response> {
        const body = new URLSearchParams();
        for (const [name, value] of Object.entries(fields))
          for (const one of Array.isArray(value) ? value : [value]) body.append(name, String(one));
        return keep(
          await app.request(`${ORIGIN}${path}`, {
            method: 'POST',
            headers: {
              'content-type': 'application/x-www-form-urlencoded',
              origin: ORIGIN,
              cookie: cookie(),
              ...headers,
            },
            body: body.toString(),
          }),
        );
      },
    };
  }

  return {
    ...world,
    /** The web's side of the database. */
    web,
    webDeps: deps,
    app,
    lines,
    origin: ORIGIN,
    faults,
    browser,
    /** A browser in which somebody of the cast is signed in. */
    async signIn(name: string) {
      const { id, role } = world.as(name);
      const b = browser();
      const response = await b.post('/sign-in/demonstration', { person: id, role });
      if (response.status !== 303) throw new Error(`sign-in answered ${response.status}`);
      return {
        ...b,
        /** The form of a sign page as its script would send it: signed with this person's key, which is made if need be. */
        async signed(path: string): Promise<PageForm> {
          const { key } = await world.signerOf(name);
          return signedForm(await (await b.get(path)).text(), key);
        },
      };
    },
    /** Adds a person to the cast, for a role that it lacks. */
    async addPerson(name: string, role: Role): Promise<void> {
      const id = randomUUID();
      await addPerson(world.recorder, {
        key: `add-${name}-${id}`,
        id,
        name: `Test ${name}`,
        organisation: null,
        roles: [{ role }],
      });
      world.people[name] = { id, role };
    },
    /** From now on nobody answers decisions; `arrives`: they happen all the same. `undefined` ends it. */
    setTrouble(kind: typeof trouble, but: { arrives?: boolean } = {}): void {
      trouble = kind;
      arrives = but.arrives ?? false;
    },
    /** The next act is answered with this refusal, which then stands under the act's key. */
    refuseNext(refusal: Refusal): void {
      refusing = refusal;
    },
    /** What the web process does all the time: looks whether the log's stations go on. */
    watch: () => watch.once(),
    /** Another process's. */
    newWatch,
    /** Moves the clock of web and world. */
    setClock(now: () => Date): void {
      clock = now;
      world.setClock(now);
    },
  };
}

/** Like htmx asking for a fragment. */
export const HTMX = { 'hx-request': 'true', 'hx-request-type': 'partial' } as const;
