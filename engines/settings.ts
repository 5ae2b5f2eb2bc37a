// Engines: everything the engines let a person set, in one shape. Pure: the environment comes as an argument,
// because bin/config.ts alone reads process.env. Never holds a default that opens a port beyond loopback.
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** What may be set about the engines. Absent means: find or build it, on a port of its own choosing. */
export interface EngineSettings {
  /** Handed to programs that build or run engines (PATH, HOME, GOPROXY, …). */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Folder of built and unpacked engines, shared by all checkouts. */
  readonly cacheDir: string;
  /** `DATABASE_URL`: an existing Postgres, as the owner of the database. */
  readonly databaseUrl?: string;
  /** `TEMPORAL_ADDRESS`: HOST:PORT of an existing Temporal frontend. */
  readonly temporalAddress?: string;
  /** `TEMPORAL_CLI`: path of a `temporal` program. */
  readonly temporalCli?: string;
  /** `FABRIC_PROFILE`: profile of an existing Fabric network. */
  readonly fabricProfile?: string;
  /** `FABRIC_BIN`: folder with the Fabric programs. */
  readonly fabricBin?: string;
  /** `REHAB_POSTGRES_PORT`. Asked for explicitly: in use means refusal, not another port. */
  readonly postgresPort?: number;
  /** `REHAB_TEMPORAL_PORT`. */
  readonly temporalPort?: number;
  /** `REHAB_TEMPORAL_UI_PORT`. */
  readonly temporalUiPort?: number;
}

/**
 * Reads the engines' settings out of an environment. Empty values count as absent. The cache folder is
 * `${XDG_CACHE_HOME:-~/.cache}/rehab` (XDG Base Directory specification 0.8: a relative path is ignored).
 */
export function engineSettings(environment: Readonly<Record<string, string | undefined>>): EngineSettings {
  const text = (name: string): string | undefined => environment[name]?.trim() || undefined;
  const xdg = text('XDG_CACHE_HOME');
  const home = text('HOME') ?? homedir();
  const path = (name: string): string | undefined => {
    const value = text(name);
    return value === undefined ? undefined : resolve(value);
  };
  const port = (name: string): number | undefined => {
    const value = text(name);
    if (value === undefined) return undefined;
    const number = Number(value);
    if (!Number.isInteger(number) || number < 1 || number > 65_535) {
      throw new RangeError(`not a port: ${name} must be a whole number from 1 to 65535`);
    }
    return number;
  };
  return present({
    environment,
    cacheDir: join(xdg?.startsWith('/') ? xdg : join(home, '.cache'), 'rehab'),
    databaseUrl: text('DATABASE_URL'),
    temporalAddress: text('TEMPORAL_ADDRESS'),
    temporalCli: path('TEMPORAL_CLI'),
    fabricProfile: path('FABRIC_PROFILE'),
    fabricBin: path('FABRIC_BIN'),
    postgresPort: port('REHAB_POSTGRES_PORT'),
    temporalPort: port('REHAB_TEMPORAL_PORT'),
    temporalUiPort: port('REHAB_TEMPORAL_UI_PORT'),
  });
}

type Present<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** The same object without its undefined values, so that optional settings are absent rather than undefined. */
function present<T extends object>(values: T): Present<T> {
  // The cast is safe: exactly the keys with undefined values are gone.
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Present<T>;
}
