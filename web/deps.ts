// Station 1, web: what the app is built with, and what a request carries. The app never listens and never reads the
// environment; bin/commands/web.ts gives it everything. Nothing here is shared between the pages of two people.
import type { Database } from '../db/connection.ts';
import type { KeyedHash } from '../domain/operation-key.ts';
import type { Parameters } from '../domain/parameters.ts';
import type { Role } from '../domain/roles.ts';
import type { CaRoots } from '../ledger/personal.ts';
import type { KeyRing, KeyStore } from '../ledger/record-key.ts';
import type { Recorder } from '../ledger/recorded.ts';
import type { Ask } from './ask.ts';
import type { Verifying } from './audit/verifying.ts';
import type { Consortium } from './consortium/members.ts';
import type { Members } from './keys/members.ts';
import type { LiveFeed } from './live/feed.ts';
import type { Text } from './text/text.ts';
import type { Stand } from './watch/standing.ts';

/** What every route may use. */
export interface WebDeps {
  /** Reads, under the web's database role. */
  readonly db: Database;
  /** Writes, through web/recorded.ts alone. */
  readonly recorder: Recorder;
  /** Decisions, through Temporal. */
  readonly ask: Ask;
  readonly keyStore: KeyStore;
  readonly keys: KeyRing;
  readonly keyed: KeyedHash;
  /** The service's certificate, PEM: goes with what its signer signs for strangers. */
  readonly serviceCertificate: string;
  readonly parameters: Parameters;
  readonly live: LiveFeed;
  readonly verifying: Verifying;
  /** What the members publish of themselves. */
  readonly consortium: Consortium;
  /** Makes a case's evidence file; undefined while nothing of the case is in the log. Without it none is offered. */
  readonly evidence?: (
    caseId: string,
    options: { readonly care: boolean; readonly t: Text },
  ) => Promise<{ readonly name: string; readonly bytes: Uint8Array } | undefined>;
  readonly signing: SigningDeps;
  readonly settings: WebSettings;
  readonly now: () => Date;
  /** Told of every fault with the request's id; the person sees the id and nothing else (O8). */
  readonly note: (fault: { requestId: string; path: string; error: unknown }) => void;
  /** Who of sequencer, anchor and witnesses stands still, as last seen. */
  readonly stopped: () => readonly Stand[];
  /** Whether each engine answers; asked by /readyz and the board. */
  readonly health: () => Promise<Health>;
}

/** What personal signatures are made and judged with. */
export interface SigningDeps {
  /** Whom a person's certificate must come from. */
  readonly roots: CaRoots;
  readonly members: Members;
}

export interface Health {
  readonly postgres: boolean;
  readonly temporal: boolean;
}

export interface WebSettings {
  /** Where people reach the web, from settings and never from a request (N8). */
  readonly publicUrl: URL;
  /** Offers a list of invented people to sign in as; only on loopback (I9). */
  readonly demonstration: boolean;
  /** After how many milliseconds a request is answered whatever happens; B2's, unless it is said. */
  readonly requestMs?: number;
}

/** Who is signed in, read from the database at each request. */
export interface Session {
  readonly id: string;
  readonly person: string;
  readonly name: string;
  readonly organisation: string | null;
  readonly role: Role;
  readonly roles: readonly Role[];
  readonly endsAt: string;
  /** When they last proved who they are. */
  readonly authenticatedAt: string;
  /** When the first act of this session was signed; null until then. */
  readonly signingSince: string | null;
}

export interface WebEnv {
  Bindings: { incoming?: { url?: string; socket?: { remoteAddress?: string } } };
  Variables: { requestId: string; session: Session | undefined };
}
