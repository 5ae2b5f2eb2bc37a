// Engines: finds an engine's programs (setting, PATH, cache) or builds them from a pinned go.mod with go.sum.
// Promise: what comes out of the cache is byte for byte what was built. Never downloads a ready binary, and
// never builds anything that go.sum does not name.
import { spawn } from 'node:child_process';
import { constants, createWriteStream } from 'node:fs';
import { access, mkdir, mkdtemp, readdir, rename, rm, stat, statfs } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import { writeSums, wrongSums } from './checksums.ts';
import { lockWhenFree } from './lock.ts';
import type { Progress } from './progress.ts';
import { EngineTrouble, lastWords } from './trouble.ts';

/** What must be known to find or build one engine. `Program` names its programs, as their files are called. */
export interface EngineSource<Program extends string> {
  /** For people and for the cache folder `<engine>-<version>`. */
  readonly engine: string;
  readonly version: string;
  /** Program name → Go package that builds it (a `tool` line of the go.mod). */
  readonly programs: Readonly<Record<Program, string>>;
  /** Folder with the pinned go.mod and go.sum. */
  readonly moduleDir: string;
  /** Passed to the linker, without quotes around single values. */
  readonly ldflags?: string;
  /** True when a C compiler is needed (CGO_ENABLED=1); by default the build does without. */
  readonly needsC?: boolean;
  /** The setting that names a program (when there is one) or the folder that holds all of them. */
  readonly setting: { readonly name: string; readonly value?: string | undefined };
  /** What a person may do instead of building: "set TEMPORAL_CLI to … or TEMPORAL_ADDRESS to …". */
  readonly instead: string;
  /** How long a build usually takes on two cores, for the first line of progress. */
  readonly usually: string;
  /** Oldest Go that the go.mod accepts. */
  readonly goVersion: string;
  /** Free space that a build wants, in MiB. */
  readonly wantsMiB: number;
  /** Why programs found on PATH cannot be used, or undefined when they can; the search then goes on. */
  readonly refuses?: (programs: Readonly<Record<Program, string>>) => Promise<string | undefined>;
}

export interface FoundEngine<Program extends string> {
  readonly how: 'setting' | 'path' | 'cache' | 'built';
  /** Program name → absolute path. */
  readonly programs: Readonly<Record<Program, string>>;
}

export interface FindOptions {
  /** `${XDG_CACHE_HOME:-~/.cache}/rehab` */
  readonly cacheDir: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly progress: Progress;
}

/**
 * Finds the engine in the order of DESIGN.md section 4: explicit setting, PATH, cache, build. An explicit
 * setting that does not hold is refused, never passed over. Throws EngineTrouble with one sentence to act on.
 */
export async function findOrBuild<Program extends string>(
  source: EngineSource<Program>,
  options: FindOptions,
): Promise<FoundEngine<Program>> {
  const found = await findEngine(source, options);
  return found ?? (await buildIntoCache(source, options));
}

/** As findOrBuild, but without the building: undefined when it would have to be built. For `rehab doctor`. */
export async function findEngine<Program extends string>(
  source: EngineSource<Program>,
  options: FindOptions,
): Promise<FoundEngine<Program> | undefined> {
  return (
    (await fromSetting(source)) ?? (await fromPath(source, options)) ?? (await fromCache(source, options))
  );
}

/** Absolute path of a program on PATH, or undefined. */
export async function onPath(program: string, path: string | undefined): Promise<string | undefined> {
  for (const folder of (path ?? '').split(delimiter)) {
    if (!isAbsolute(folder)) continue; // a relative entry would depend on where we were started
    const candidate = join(folder, program);
    if (await isProgram(candidate)) return candidate;
  }
  return undefined;
}

/** The cache folder of one engine and version. */
export function cacheFolder(cacheDir: string, engine: string, version: string): string {
  return join(cacheDir, `${engine}-${version}`);
}

async function fromSetting<Program extends string>(
  source: EngineSource<Program>,
): Promise<FoundEngine<Program> | undefined> {
  const { name, value } = source.setting;
  if (value === undefined) return undefined;
  const names = programNames(source);
  const state = await stat(value).catch(() => undefined);
  const place = (program: Program): string => (state?.isDirectory() ? join(value, program) : value);
  if (state?.isFile() && names.length > 1) {
    throw new EngineTrouble(
      `${name} must name the folder that holds ${names.join(', ')}: ${value} is a file.`,
    );
  }
  const programs = toRecord(names, place);
  for (const program of names) {
    if (!(await isProgram(programs[program]))) {
      throw new EngineTrouble(
        `${name} points at ${value}, where no program ${program} can be run: correct the setting or remove it.`,
      );
    }
  }
  return { how: 'setting', programs };
}

async function fromPath<Program extends string>(
  source: EngineSource<Program>,
  { environment, progress }: FindOptions,
): Promise<FoundEngine<Program> | undefined> {
  const paths = new Map<Program, string>();
  for (const program of programNames(source)) {
    const path = await onPath(program, environment.PATH);
    if (path === undefined) return undefined;
    paths.set(program, path);
  }
  // The assertion holds: the loop above has set every name or returned.
  const programs = toRecord(programNames(source), (program) => paths.get(program)!);
  const refusal = await source.refuses?.(programs);
  if (refusal === undefined) return { how: 'path', programs };
  progress(`${source.engine} on PATH is not used: ${refusal}`);
  return undefined;
}

async function fromCache<Program extends string>(
  source: EngineSource<Program>,
  { cacheDir }: FindOptions,
): Promise<FoundEngine<Program> | undefined> {
  const folder = cacheFolder(cacheDir, source.engine, source.version);
  if ((await stat(folder).catch(() => undefined)) === undefined) return undefined;
  const names = programNames(source);
  const wrong = await wrongSums(folder, names);
  if (wrong.length > 0) {
    throw new EngineTrouble(
      `The cached ${source.engine} is not what was built here: ${wrong.join(', ')} differs from SHA256SUMS in ${folder}. Find out why, then delete that folder and start again to build it anew.`,
    );
  }
  return { how: 'cache', programs: toRecord(names, (program) => join(folder, program)) };
}

async function buildIntoCache<Program extends string>(
  source: EngineSource<Program>,
  options: FindOptions,
): Promise<FoundEngine<Program>> {
  const { cacheDir, environment, progress } = options;
  const { engine, version } = source;
  const go = await onPath('go', environment.PATH);
  if (go === undefined) {
    throw new EngineTrouble(
      `${engine} ${version} is not on this machine and building it needs Go ${source.goVersion} or later, which is not on PATH: install Go from https://go.dev/dl/, or ${source.instead}.`,
    );
  }
  const folder = cacheFolder(cacheDir, engine, version);
  await mkdir(cacheDir, { recursive: true }).catch((error: unknown) => {
    throw new EngineTrouble(
      `The cache folder cannot be made: ${cacheDir} (${errorCode(error)}). Set XDG_CACHE_HOME to a folder that you may write, or ${source.instead}.`,
    );
  });
  // Held from here to the rename: two builds of one engine wait for each other, also between checkouts.
  const lock = await lockWhenFree(join(cacheDir, `.${engine}-${version}.lock`), (pid) =>
    progress(`${engine}: waiting for process ${pid}, which is building it already`),
  );
  try {
    const built = await fromCache(source, options);
    if (built !== undefined) return built;
    await removeLeftovers(cacheDir, engine, version);
    await demandSpace(source, cacheDir);
    const partial = await mkdtemp(join(cacheDir, partialPrefix(engine, version)));
    try {
      progress(`${engine} ${version}: building from source, once; this usually takes ${source.usually}`);
      await runGo(source, go, partial, options);
      await writeSums(partial, programNames(source));
      // From here the engine is in the cache for good; a crash before leaves a folder that the next build removes.
      await rename(partial, folder);
    } finally {
      await rm(partial, { recursive: true, force: true });
    }
    progress(`${engine} ${version}: built and kept in ${folder}`);
    return { how: 'built', programs: toRecord(programNames(source), (program) => join(folder, program)) };
  } finally {
    lock.release();
  }
}

async function runGo<Program extends string>(
  source: EngineSource<Program>,
  go: string,
  target: string,
  { cacheDir, environment, progress }: FindOptions,
): Promise<void> {
  const { engine, version } = source;
  const logPath = join(cacheDir, `${engine}-${version}.build.log`);
  const log = createWriteStream(logPath);
  // A log that cannot be written (full disk) must not end the process; the compiler's own complaint is kept below.
  log.on('error', () => {});
  const packages = programNames(source).map((program) => source.programs[program]);
  const flags = [
    'build',
    '-v',
    '-trimpath',
    '-buildvcs=false',
    '-mod=readonly',
    '-ldflags',
    source.ldflags ?? '-s -w',
  ];
  const started = Date.now();
  let compiled = 0;
  let complaint = '';
  const child = spawn(go, [...flags, '-o', `${target}/`, ...packages], {
    cwd: source.moduleDir,
    env: { ...environment, CGO_ENABLED: source.needsC ? '1' : '0', GOWORK: 'off' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const stopChild = (): void => {
    child.kill('SIGTERM');
  };
  process.once('exit', stopChild);
  let pending = '';
  child.stderr.setEncoding('utf8');
  child.stderr.on('data', (chunk: string) => {
    log.write(chunk);
    const lines = (pending + chunk).split('\n');
    pending = lines.pop() ?? '';
    for (const line of lines) {
      // With -v the compiler names each package alone on a line; everything else is a complaint or a download.
      if (/^[\w./~-]+$/.test(line)) compiled += 1;
      else if (!line.startsWith('go: downloading ')) complaint = `${complaint}${line}\n`.slice(-4000);
    }
  });
  const ticker = setInterval(() => {
    const seconds = Math.round((Date.now() - started) / 1000);
    progress(`${engine} ${version}: still building, ${compiled} packages compiled in ${seconds} s`);
  }, 15_000);
  const code = await new Promise<number | string>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status, signal) => resolve(status ?? signal ?? 1));
  }).finally(() => {
    clearInterval(ticker);
    process.off('exit', stopChild);
    log.end();
  });
  if (code === 0) return;
  throw new EngineTrouble(explainBuild(source, `${complaint}${pending}`, cacheDir, logPath));
}

/** One sentence about a failed build: its likely cause and what to do. */
function explainBuild<Program extends string>(
  source: EngineSource<Program>,
  complaint: string,
  cacheDir: string,
  logPath: string,
): string {
  const what = `Building ${source.engine} ${source.version} failed`;
  if (/no space left on device|disk quota exceeded/i.test(complaint)) {
    return `${what} because the disk is full: free at least ${source.wantsMiB} MiB (the cache is ${cacheDir}, Go's own is shown by "go env GOCACHE"), then start again.`;
  }
  if (/SECURITY ERROR|checksum mismatch|missing go\.sum entry/i.test(complaint)) {
    return `${what} because a module's hash is not the one pinned in ${source.moduleDir}/go.sum: do not work around it; see ${logPath}.`;
  }
  if (/requires go >= |toolchain not available|invalid go version/i.test(complaint)) {
    return `${what} because the Go on PATH is too old: install Go ${source.goVersion} or later from https://go.dev/dl/, or ${source.instead}.`;
  }
  if (/C compiler|"gcc"|"cc"|exec: .*cc.*not found/i.test(complaint)) {
    return `${what} because there is no C compiler: install gcc, or ${source.instead}.`;
  }
  if (/dial tcp|no such host|i\/o timeout|proxyconnect|connection refused|TLS handshake/i.test(complaint)) {
    return `${what} because Go's module proxy cannot be reached: check the network or set GOPROXY, or ${source.instead}.`;
  }
  return `${what} (${lastWords(complaint)}): see ${logPath}, or ${source.instead}.`;
}

async function demandSpace<Program extends string>(
  source: EngineSource<Program>,
  cacheDir: string,
): Promise<void> {
  const disk = await statfs(cacheDir);
  const freeMiB = Math.floor((disk.bavail * disk.bsize) / 2 ** 20);
  if (freeMiB >= source.wantsMiB) return;
  throw new EngineTrouble(
    `Too little disk space to build ${source.engine}: ${freeMiB} MiB are free in ${cacheDir}, about ${source.wantsMiB} MiB are needed. Free some, set XDG_CACHE_HOME to a larger disk, or ${source.instead}.`,
  );
}

/** Folders that a killed build left behind; the lock is held, so none of them is in use. */
async function removeLeftovers(cacheDir: string, engine: string, version: string): Promise<void> {
  for (const name of await readdir(cacheDir)) {
    if (name.startsWith(partialPrefix(engine, version)))
      await rm(join(cacheDir, name), { recursive: true, force: true });
  }
}

function partialPrefix(engine: string, version: string): string {
  return `.${engine}-${version}.partial-`;
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

function programNames<Program extends string>(source: EngineSource<Program>): Program[] {
  // The cast holds: `programs` is a record over exactly these names.
  return Object.keys(source.programs) as Program[];
}

function toRecord<Program extends string>(
  names: readonly Program[],
  path: (program: Program) => string,
): Record<Program, string> {
  // The cast holds: every name of the record is in `names`.
  return Object.fromEntries(names.map((name) => [name, path(name)])) as Record<Program, string>;
}

function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
}
