// Test support: a small world on a real database: its people, their keys, and acts done the way the worker does them.
import { createHmac, generateKeyPairSync, randomBytes, randomUUID, sign } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ActDeps, ActRequest, Answer } from '../../activities/act.ts';
import { createVerbs } from '../../activities/create.ts';
import { addPerson } from '../../activities/people.ts';
import { type Signer, signAct } from '../../bin/drive/software-key.ts';
import { keyFiles } from '../../bin/key-files.ts';
import { parametersOf } from '../../bin/parameters.ts';
import { type Connection, connect } from '../../db/connection.ts';
import { type ActInput, readActValues } from '../../domain/acts.ts';
import type { Organisation } from '../../domain/consortium.ts';
import { needsSignature } from '../../domain/events.ts';
import { uuidFrom } from '../../domain/ids.ts';
import type { Action } from '../../domain/lifecycle.ts';
import { makeOperationKey } from '../../domain/operation-key.ts';
import { isStaff } from '../../domain/permissions.ts';
import type { Discipline, Role } from '../../domain/roles.ts';
import type { SignedAct } from '../../ledger/envelope.ts';
import { keyRing } from '../../ledger/record-key.ts';
import type { Recorder } from '../../ledger/recorded.ts';
import type { EntrySigner } from '../../ledger/signing.ts';
import { sealedRequest } from '../../web/ask.ts';
import { type FreshDatabase, freshDatabase } from './engines.ts';
import { certifiedSigner, testMembers } from './signing.ts';

export interface Person {
  readonly id: string;
  readonly role: Role;
}

export type World = Awaited<ReturnType<typeof createWorld>>;

/** The people every story needs: one of each, and enough officers and therapists for the six duties. */
const CAST: readonly [name: string, role: Role, disciplines?: Discipline[], lead?: boolean][] = [
  ['referrer', 'referrer'],
  ['patient', 'patient'],
  ['officerA', 'approval-officer'],
  ['officerB', 'approval-officer'],
  ['officerC', 'approval-officer'],
  ['officerD', 'approval-officer'],
  ['therapistA', 'therapist', ['physiotherapy', 'psychology']],
  ['therapistB', 'therapist', ['physiotherapy', 'occupational-therapy']],
  ['lead', 'therapist', ['physiotherapy'], true],
  ['doctor', 'doctor'],
  ['auditor', 'auditor'],
  ['administrator', 'administrator'],
];

/** Whose staff somebody is; applicants are nobody's. */
const organisationOf = (role: Role): Organisation | null =>
  role === 'therapist' || role === 'doctor'
    ? 'hospital'
    : role === 'auditor'
      ? 'association'
      : isStaff(role)
        ? 'administration'
        : null;

export async function createWorld(
  database?: FreshDatabase,
  options: { parameters?: string; pool?: number; signer?: EntrySigner } = {},
) {
  const fresh = database ?? (await freshDatabase());
  const folder = mkdtempSync(join(tmpdir(), 'rehab-keys-'));
  const keyStore = keyFiles(folder);
  await keyStore.create('system', 'system');
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const members = testMembers();
  const worker: Connection = connect(fresh.urls.worker, { max: options.pool ?? 10, name: 'test-worker' });
  const parameters = parametersOf({ REHAB_PARAMETERS: options.parameters });
  let clock: () => Date = () => new Date();
  const recorder: Recorder = {
    sql: worker.sql,
    keys: keyRing(keyStore),
    signer: options.signer ?? {
      keyId: 'test-service',
      ends: Number.POSITIVE_INFINITY,
      sign: (body) => sign('sha256', body, { key: privateKey, dsaEncoding: 'ieee-p1363' }),
    },
    bundle: 'test',
    parameters: parameters.version,
    now: () => clock(),
  };
  const secret = randomBytes(32);
  const keyed = (text: string) => createHmac('sha256', secret).update(text).digest('base64url');
  const deps: ActDeps = {
    recorder,
    keyed,
    dueAfter: parameters.dueAfter,
    roots: members.roots,
    workflow: () => ({ id: 'test', run: 'test' }),
  };
  const closing: (() => Promise<void>)[] = [];
  const people: Record<string, Person> = {};
  for (const [name, role, disciplines, lead] of CAST) {
    const id = randomUUID();
    await addPerson(recorder, {
      key: `add-${name}-${id}`,
      id,
      name: `Test ${name}`,
      organisation: organisationOf(role),
      roles: [{ role, ...(disciplines ? { disciplines } : {}), ...(lead ? { lead } : {}) }],
    });
    people[name] = { id, role };
  }
  const as = (name: string): Person => {
    const person = people[name];
    if (!person) throw new Error(`no such person in the cast: ${name}`);
    return person;
  };

  let opened: Connection | undefined;
  /** A recorder under the web's own database role, for what the web alone writes. */
  function asWeb(): Recorder {
    if (!opened) {
      const connection = connect(fresh.urls.web, { max: 10, name: 'test-web' });
      closing.push(() => connection.close());
      opened = connection;
    }
    return { ...recorder, sql: opened.sql };
  }

  const signers = new Map<string, Promise<Signer>>();
  /** Somebody's key, certified by their organisation's authority and recorded when it is first used. */
  function signerOf(name: string): Promise<Signer> {
    const known = signers.get(name);
    if (known) return known;
    const { id, role } = as(name);
    const organisation = organisationOf(role);
    if (!organisation) throw new Error(`nobody certifies keys of somebody in this role: ${role}`);
    const made = certifiedSigner(members, asWeb(), { person: id, role, organisation });
    signers.set(name, made);
    return made;
  }

  interface Asked<A extends Action> {
    readonly key: string;
    readonly action: A;
    readonly caseId: string;
    readonly values: ActInput<A>;
    readonly task: { id: string; claim: number } | null;
  }
  /** What somebody signs to do an act; undefined for acts that nobody signs, and for values that no page would put before them. */
  async function signedBy<A extends Action>(name: string, asked: Asked<A>): Promise<SignedAct | undefined> {
    if (!needsSignature(asked.action) || !isStaff(as(name).role)) return undefined;
    const { id: person, role } = as(name);
    const { key, action, caseId, task } = asked;
    const read = readActValues(action, JSON.parse(JSON.stringify(asked.values)));
    if ('faults' in read) return undefined;
    return signAct(
      await signerOf(name),
      await recorder.keys.of('case', caseId),
      { key, action, caseId, task, actor: { person, role } },
      {
        values: read.values,
        at: clock().toISOString(),
        parameters: recorder.parameters,
      },
    );
  }

  /** What the web would send: key bound to person, action and target; values sealed, and signed where that is asked for. */
  async function request<A extends Action>(
    name: string,
    action: A,
    values: ActInput<A>,
    to: {
      caseId?: string;
      task?: { id: string; claim: number } | null;
      key?: string;
      /** What was signed instead; null for nothing. */
      signed?: SignedAct | null;
    },
  ): Promise<ActRequest<A>> {
    const { id: person, role } = as(name);
    const nonce = randomBytes(16).toString('base64url');
    const key =
      to.key ?? makeOperationKey(keyed, nonce, { person, action, target: to.task?.id ?? to.caseId ?? 'new' });
    const caseId = to.caseId ?? uuidFrom(createHmac('sha256', secret).update(`case\n${key}`).digest());
    if (!to.caseId) await keyStore.create('case', caseId);
    const asked = { key, action, caseId, values, task: to.task ?? null };
    const signed = to.signed === undefined ? await signedBy(name, asked) : (to.signed ?? undefined);
    return sealedRequest(await recorder.keys.of('case', caseId), {
      ...asked,
      asking: { person, role },
      signed,
    });
  }

  return {
    fresh,
    deps,
    recorder,
    keyed,
    keyStore,
    publicKey,
    people,
    as,
    worker,
    parameters,
    verbs: createVerbs({ ...deps, note: (error) => console.info(error) }),
    request,
    /** Doors and authorities of the three members, and whom a certificate must come from. */
    members,
    signerOf,
    signedBy,
    asWeb,
    /** Moves the world's clock. */
    setClock(now: () => Date) {
      clock = now;
    },
    onClose(then: () => Promise<void>) {
      closing.push(then);
    },
    async close() {
      for (const then of closing) await then();
      await worker.close();
      await fresh.drop();
      members.remove();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export type { ActRequest, Answer };
