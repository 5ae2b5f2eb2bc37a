// Composition: the only reader of process.env. Every setting the product knows, checked once, with one sentence for
// each that cannot be used. Never prints a value: some are secrets.
import { resolve } from 'node:path';
import { z } from 'zod';
import { ORGANISATIONS, type Organisation } from '../domain/consortium.ts';

const port = z.coerce.number().int().min(1).max(65_535);

/** `administration=https://…,hospital=…`, each organisation once. */
function doorsIn(text: string, context: z.RefinementCtx): Partial<Record<Organisation, string>> {
  const doors: Partial<Record<Organisation, string>> = {};
  for (const part of text.split(',')) {
    const [name = '', ...url] = part.trim().split('=');
    const organisation = ORGANISATIONS.find((one) => one === name);
    if (
      !organisation ||
      doors[organisation] ||
      !/^https?:/.test(url[0] ?? '') ||
      !URL.canParse(url.join('='))
    )
      context.addIssue('must be ORGANISATION=URL with commas between, each organisation once');
    else doors[organisation] = url.join('=');
  }
  return doors;
}

/** Every environment variable that is read, beside those of the engines (engines/settings.ts). */
export const SETTINGS = z.object({
  /** Postgres as this process's own role; in the demonstration `run.json` says where it is. */
  REHAB_DATABASE_URL: z.string().url().optional(),
  /** Temporal frontend, HOST:PORT. */
  TEMPORAL_ADDRESS: z
    .string()
    .regex(/^[^:/\s]+:\d+$/)
    .optional(),
  /** Profile of the Fabric network. */
  FABRIC_PROFILE: z.string().optional(),
  /** Where people reach the web; links and passkeys are made for it (N8). */
  REHAB_PUBLIC_URL: z.string().url().optional(),
  /** Address the web listens on. */
  REHAB_HOST: z.string().default('127.0.0.1'),
  REHAB_PORT: port.optional(),
  REHAB_OPS_PORT: port.optional(),
  /** The members' doors for persons' certificates: ORGANISATION=URL, with commas between. */
  REHAB_MEMBERS: z.string().transform(doorsIn).optional(),
  /** Where a member reads the published log (C2SP tlog-tiles), with a slash at its end. */
  REHAB_LOG_URL: z
    .url({ protocol: /^https?$/ })
    .endsWith('/')
    .optional(),
  /** Folder of sockets that stand for the network, when a member was given none of its own (engines/doors.ts). */
  REHAB_MEMBER_DOORS: z.string().optional(),
  /** `demonstration` offers a list of people to sign in as; refused beyond loopback (I9). */
  REHAB_MODE: z.enum(['demonstration', 'real']).default('real'),
  /** Parameter overrides as JSON: lengths of limits, in tests and demonstrations. */
  REHAB_PARAMETERS: z.string().optional(),
  /** Where the kill drills strike: pause in milliseconds between COMMIT and answer, and the file that marks it. */
  REHAB_DRILL_PAUSE_MS: z.coerce.number().int().min(0).max(60_000).optional(),
  REHAB_DRILL_MARKS: z.string().optional(),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace']).default('info'),
});
export type Settings = z.output<typeof SETTINGS>;

/** A setting cannot be used; the message names it and says what it takes. */
export class SettingRefused extends Error {
  override readonly name = 'SettingRefused';
}

/** The environment as it came, for the engines and for children. */
export const environment = (): Readonly<Record<string, string | undefined>> => process.env;

/** Reads and checks the settings; empty ones count as absent. */
export function readConfig(from: Readonly<Record<string, string | undefined>> = process.env): Settings {
  const present = Object.fromEntries(
    Object.entries(from).filter(
      ([name, value]) => name in SETTINGS.shape && value !== undefined && value !== '',
    ),
  );
  const read = SETTINGS.safeParse(present);
  if (read.success) return read.data;
  const issue = read.error.issues[0];
  throw new SettingRefused(`setting ${issue?.path.join('.')} cannot be used: ${issue?.message}`);
}

/** Where the data folder is: `--data`, else `.rehab` in the working folder. */
export const dataDirOf = (option: string | undefined): string => resolve(option ?? '.rehab');
