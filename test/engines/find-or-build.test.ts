// Engines: how programs are found or built. The build is a real one, of a program of one line.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { chmod, cp } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type EngineSource, findEngine, findOrBuild, onPath } from '../../engines/find-or-build.ts';
import { silent } from '../../engines/progress.ts';
import { temporalSource } from '../../engines/temporal.ts';
import { temporaryFolder, testSettings } from '../support/engines.ts';

const environment = process.env;
const go = await onPath('go', environment.PATH);
if (go === undefined && environment.CI)
  throw new Error('Go is missing: CI needs it to test the building of engines');
if (go === undefined) console.info('not run here: building of engines, because Go is not on PATH');

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let cacheDir: string;

beforeEach(async () => {
  folder = await temporaryFolder();
  cacheDir = join(folder.path, 'cache');
});
afterEach(() => folder.remove());

function tiny(change: Partial<EngineSource<'tiny-engine'>> = {}): EngineSource<'tiny-engine'> {
  return {
    engine: 'tiny',
    version: '1.0.0',
    programs: { 'tiny-engine': '.' },
    moduleDir: join(import.meta.dirname, '../support/tiny-engine'),
    setting: { name: 'TINY_ENGINE' },
    instead: 'set TINY_ENGINE to a tiny-engine program',
    usually: 'a second',
    goVersion: '1.24',
    wantsMiB: 1,
    ...change,
  };
}

/** A module folder of its own, to be made wrong. */
async function brokenModule(file: string, text: string): Promise<string> {
  const moduleDir = join(folder.path, 'module');
  await cp(tiny().moduleDir, moduleDir, { recursive: true });
  writeFileSync(join(moduleDir, file), text);
  return moduleDir;
}

async function programIn(name: string, says: string): Promise<string> {
  const home = join(folder.path, name);
  mkdirSync(home);
  writeFileSync(join(home, 'tiny-engine'), `#!/bin/sh\necho ${says}\n`);
  await chmod(join(home, 'tiny-engine'), 0o755);
  return home;
}

const options = (path = environment.PATH) => ({
  cacheDir,
  environment: { ...environment, PATH: path },
  progress: silent,
});

describe('the order of looking', () => {
  test('a setting that names a program, or its folder, comes before PATH', async () => {
    const set = await programIn('set', 'setting');
    const path = await programIn('path', 'path');
    for (const value of [set, join(set, 'tiny-engine')]) {
      const found = await findEngine(tiny({ setting: { name: 'TINY_ENGINE', value } }), options(path));
      expect(found).toEqual({ how: 'setting', programs: { 'tiny-engine': join(set, 'tiny-engine') } });
    }
  });

  test('a setting that leads nowhere is refused, though PATH would do', async () => {
    const path = await programIn('path', 'path');
    const source = tiny({ setting: { name: 'TINY_ENGINE', value: join(folder.path, 'nowhere') } });
    await expect(findOrBuild(source, options(path))).rejects.toThrow(
      /^TINY_ENGINE points at .* correct the setting or remove it\.$/,
    );
  });

  test('PATH comes before the cache; what it offers may be refused, and the search goes on', async () => {
    const path = await programIn('path', 'path');
    expect((await findEngine(tiny(), options(path)))?.how).toBe('path');
    expect(await findEngine(tiny({ refuses: async () => 'it is too old' }), options(path))).toBeUndefined();
  });

  test('a relative entry of PATH is passed over', async () => {
    await programIn('path', 'path');
    expect(await onPath('tiny-engine', `.:${'path'}`)).toBeUndefined();
  });
});

test('without Go and with an empty cache: one sentence that says what to install or set', async () => {
  const source = temporalSource({ ...testSettings({}), cacheDir });
  await expect(findOrBuild(source, options(folder.path))).rejects.toThrow(
    'temporal 1.5.1 is not on this machine and building it needs Go 1.25 or later, which is not on PATH: install Go from https://go.dev/dl/, or set TEMPORAL_CLI to a temporal program, or TEMPORAL_ADDRESS to a server that runs.',
  );
  expect(existsSync(cacheDir)).toBe(false);
});

test('too little disk: one sentence, before anything is built', async () => {
  const building = findOrBuild(tiny({ wantsMiB: 1e9 }), {
    ...options(),
    environment: { PATH: await fakeGo() },
  });
  await expect(building).rejects.toThrow(
    /^Too little disk space to build tiny: \d+ MiB are free .* or set TINY_ENGINE/,
  );
});

/** A `go` that must never be run. */
async function fakeGo(): Promise<string> {
  const home = join(folder.path, 'go');
  mkdirSync(home);
  writeFileSync(join(home, 'go'), '#!/bin/sh\nexit 99\n');
  await chmod(join(home, 'go'), 0o755);
  return home;
}

describe.skipIf(go === undefined)('building', () => {
  test('from an empty cache, once: the next one comes out of the cache and is the same program', async () => {
    const lines: string[] = [];
    const built = await findOrBuild(tiny(), { ...options(), progress: (line) => lines.push(line) });
    expect(built.how).toBe('built');
    expect(lines[0]).toBe('tiny 1.0.0: building from source, once; this usually takes a second');
    expect(execFileSync(built.programs['tiny-engine'], { encoding: 'utf8' })).toBe('tiny engine\n');
    expect(await findOrBuild(tiny(), options())).toEqual({ how: 'cache', programs: built.programs });
  });

  test('two at once build once', async () => {
    const both = await Promise.all([findOrBuild(tiny(), options()), findOrBuild(tiny(), options())]);
    expect(both.map(({ how }) => how).sort()).toEqual(['built', 'cache']);
  });

  test('one changed byte in the cache is refused, and stays refused', async () => {
    const { programs } = await findOrBuild(tiny(), options());
    const bytes = readFileSync(programs['tiny-engine']);
    const middle = Math.floor(bytes.length / 2);
    bytes.writeUInt8((bytes[middle] ?? 0) ^ 1, middle);
    writeFileSync(programs['tiny-engine'], bytes);
    for (const look of [findEngine, findOrBuild]) {
      await expect(look(tiny(), options())).rejects.toThrow(
        /^The cached tiny is not what was built here: tiny-engine differs/,
      );
    }
  });

  test('a program without its hash is refused too', async () => {
    const { programs } = await findOrBuild(tiny(), options());
    writeFileSync(join(programs['tiny-engine'], '../SHA256SUMS'), '');
    await expect(findEngine(tiny(), options())).rejects.toThrow('differs from SHA256SUMS');
  });

  test('what a killed build left behind is removed by the next one', async () => {
    mkdirSync(join(cacheDir, '.tiny-1.0.0.partial-abcdef'), { recursive: true });
    await findOrBuild(tiny(), options());
    expect(readdirSync(cacheDir).filter((name) => name.includes('partial'))).toEqual([]);
  });

  test('code that does not compile: one sentence with the compiler’s last word, nothing in the cache', async () => {
    const moduleDir = await brokenModule('main.go', 'package main\n\nfunc main() { nonsense }\n');
    await expect(findOrBuild(tiny({ moduleDir }), options())).rejects.toThrow(
      /^Building tiny 1\.0\.0 failed \(.*undefined: nonsense\): see .*build\.log, or set TINY_ENGINE to a tiny-engine program\.$/,
    );
    expect(
      readdirSync(cacheDir).filter((name) => name.includes('tiny-1.0.0') && !/\.(lock|log)$/.test(name)),
    ).toEqual([]);
  });

  test('a module that go.sum does not name is not built', async () => {
    const moduleDir = await brokenModule(
      'go.mod',
      'module rehab/test/support/tiny-engine\n\ngo 1.24\n\nrequire golang.org/x/text v0.3.0\n',
    );
    writeFileSync(
      join(moduleDir, 'main.go'),
      'package main\n\nimport _ "golang.org/x/text/width"\n\nfunc main() {}\n',
    );
    await expect(findOrBuild(tiny({ moduleDir }), options())).rejects.toThrow('is not the one pinned in');
  });
});
