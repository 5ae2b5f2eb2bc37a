// Station 1, web: every address, built and read in one place. A test keeps a snapshot of all of them. Names never stand in
// an address; state of a view does.
import type { Action, TaskKind } from '../domain/lifecycle.ts';
import type { Role } from '../domain/roles.ts';

/** Sections of a case, each with an address of its own. */
export const CASE_SECTIONS = ['overview', 'measures', 'people', 'clocks', 'entries'] as const;
export type CaseSection = (typeof CASE_SECTIONS)[number];

/** Tasks in which something is entered rather than weighed: their reader has come for the form. */
const ENTERED: ReadonlySet<TaskKind> = new Set([
  'assess',
  'record-session',
  're-evaluate',
  'record-follow-up',
]);

export const paths = {
  signIn: '/sign-in',
  invitation: '/invitation',
  queue: '/queue',
  takeNext: '/queue/next',
  day: '/day',
  task: (id: string) => `/tasks/${id}`,
  /** A task that was just taken up. On a phone what it rests on stands above the form, and can be long. */
  work: (id: string, kind: TaskKind) => `/tasks/${id}${ENTERED.has(kind) ? '#decision' : ''}`,
  claim: (id: string) => `/tasks/${id}/claim`,
  handBack: (id: string) => `/tasks/${id}/hand-back`,
  draft: (id: string) => `/tasks/${id}/draft`,
  check: (id: string) => `/tasks/${id}/check`,
  decide: (id: string) => `/tasks/${id}/decide`,
  sign: (id: string) => `/tasks/${id}/sign`,
  signReopening: (id: string) => `/cases/${id}/reopen/sign`,
  signatures: '/signatures',
  keys: '/keys',
  firstKey: '/keys?first=1',
  certificates: '/certificates',
  checkRevocation: (list: string) => `${list}/check`,
  revoke: (list: string) => `${list}/revoke`,
  cases: '/cases',
  case: (id: string, section: CaseSection = 'overview') =>
    section === 'overview' ? `/cases/${id}` : `/cases/${id}/${section}`,
  act: (id: string, action: Extract<Action, 'withdraw' | 'appeal' | 'reopen'>) => `/cases/${id}/${action}`,
  alert: (id: string, measurement: string) => `/cases/${id}/alerts/${measurement}`,
  evidence: (id: string) => `/cases/${id}/evidence`,
  letter: (id: string, decision: string) => `/cases/${id}/letters/${decision}`,
  papers: (id: string) => `/cases/${id}/papers`,
  access: (id: string) => `/cases/${id}/access`,
  importResults: (id: string) => `/cases/${id}/import-results`,
  findCase: '/cases/find',
  apply: '/apply',
  importRecord: '/apply/import',
  applyDraft: (id: string) => `/apply?draft=${id}`,
  my: '/my',
  board: '/board',
  people: '/people',
  addPerson: '/add-person',
  person: (id: string) => `/people/${id}`,
  invite: (id: string) => `/people/${id}/invitation`,
  withdrawLink: (id: string) => `/people/${id}/invitation/withdraw`,
  confirmLink: (id: string) => `/people/${id}/invitation/confirm`,
  giveRole: (id: string) => `/people/${id}/roles/give`,
  endRole: (id: string) => `/people/${id}/roles/end`,
  audit: '/audit',
  consortium: '/consortium',
  verify: '/audit/verify',
  settings: '/settings',
  help: '/help',
  ask: (operation: string) => `/ask/${operation}`,
  receipt: (operation: string) => `/receipts/${operation}`,
} as const;

/** Longer than any address of ours. */
const LONGEST = 1000;

/**
 * An address of our own to come back to: a path and its query, in characters that no browser reads as another origin's or as the
 * end of a line. Undefined for anything else. Who may open it is judged there.
 */
export const ownAddress = (address: string): string | undefined =>
  address.length <= LONGEST &&
  /^\/[\w\-./]*(\?[\w\-.~!*'()&=+;,:@/?%$]*)?$/.test(address) &&
  !/^[^?]*(\/\/|\.\.)/.test(address)
    ? address
    : undefined;

/** Files and streams: nobody would see that they had come there. */
const NO_PAGE = /^\/(live|receipts\/[^/]*|cases\/[^/]*\/evidence)$/;

/** An address to go on to after signing in: of a page, and not of the door itself. */
export function wantedPage(address: string): string | undefined {
  const [path = ''] = address.split('?');
  return path === '/' || path.startsWith(paths.signIn) || NO_PAGE.test(path)
    ? undefined
    : ownAddress(address);
}

/** The door, which remembers what page was asked for. */
export function signInFor(address: string): string {
  const to = wantedPage(address);
  return to === undefined ? paths.signIn : `${paths.signIn}?${new URLSearchParams({ to })}`;
}

/** Where a person lands after signing in (UI.md section 3). */
export function landingOf(role: Role): string {
  switch (role) {
    case 'approval-officer':
    case 'doctor':
      return paths.queue;
    case 'therapist':
      return paths.day;
    case 'administrator':
      return paths.board;
    case 'security-administrator':
      return paths.people;
    case 'auditor':
      return paths.audit;
    case 'patient':
    case 'guardian':
    case 'supporter':
    case 'referrer':
      return paths.my;
    case 'privacy-officer':
      return paths.cases;
    case 'researcher':
      return paths.help;
    default:
      return role satisfies never;
  }
}
