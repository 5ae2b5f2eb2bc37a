// The one command, `rehab <verb>`: composition roots and nothing else. Progress goes to standard error, results to
// standard output; exit codes are those of DESIGN.md section 7.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import { ORGANISATIONS, type Organisation } from '../domain/consortium.ts';
import { engineSettings } from '../engines/settings.ts';
import { EngineTrouble } from '../engines/trouble.ts';
import { dataDirOf, environment, readConfig, SettingRefused } from './config.ts';
import { machineOf } from './machine.ts';
import { readRunFile } from './run-file.ts';

const program = new Command('rehab')
  .description('Rehabilitation process manager of the consortium.')
  .showHelpAfterError();
const here = fileURLToPath(new URL('./rehab.mjs', import.meta.url));

const verb = (name: string, description: string): Command =>
  program
    .command(name)
    .description(description)
    .addOption(new Option('--data <dir>', 'data folder').default('.rehab'));

verb('start', 'everything on one machine, with the demonstration consortium')
  .option('--port <port>', 'port of the web', Number)
  .option('--json', 'print what run.json holds')
  .action(async (options: { data: string; port?: number; json?: boolean }) => {
    const { start } = await import('./commands/start.ts');
    const dataDir = dataDirOf(options.data);
    const { seedStarted } = await import('./commands/seed.ts');
    process.exitCode = await start({
      dataDir,
      program: here,
      settings: engineSettings(environment()),
      ...(options.port ? { port: options.port } : {}),
      ...(options.json ? { json: true } : {}),
      seed: (addresses) => seedStarted(dataDir, addresses),
    });
  });

verb('web', 'the web process').action(async (options: { data: string }) => {
  const { runWeb } = await import('./commands/web.ts');
  await runWeb(machineOf(dataDirOf(options.data)));
});
verb('worker', 'the worker process').action(async (options: { data: string }) => {
  const { runWorker } = await import('./commands/worker.ts');
  await runWorker(machineOf(dataDirOf(options.data)));
});
verb('ledger', 'the ledger process: sequencer and anchor').action(async (options: { data: string }) => {
  const { runLedger } = await import('./commands/ledger.ts');
  await runLedger(machineOf(dataDirOf(options.data)));
});

const member = verb(
  'member',
  'one organisation’s member: follows its own peer and the published log, and cosigns growth',
)
  .addOption(new Option('--org <name>', 'whose').choices(ORGANISATIONS).makeOptionMandatory())
  .action(async (options: { data: string; org: Organisation }) => {
    const { runMember } = await import('./commands/member.ts');
    await runMember({
      organisation: options.org,
      folder: join(dataDirOf(options.data), 'members', options.org),
      settings: readConfig(),
      environment: environment(),
    });
  });

/** What the organisation's own people do at their member; `--data` and `--org` are the member's. */
type OfMember = { readonly data: string; readonly org: Organisation };
const atMember = (command: Command) => {
  const { data, org } = command.optsWithGlobals<OfMember>();
  return { dataDir: dataDirOf(data), organisation: org };
};
member
  .command('acknowledge')
  .description(
    'a person has seen the alarms that stand; the member goes on, and raises them again if they last',
  )
  .action(async (_: unknown, command: Command) => {
    const { acknowledgeAlarms } = await import('./commands/member.ts');
    const { dataDir, organisation } = atMember(command);
    acknowledgeAlarms(join(dataDir, 'members', organisation));
  });
member
  .command('requests')
  .description('requests for certificates, and for their end, that wait for two of the organisation’s people')
  .option('--all', 'those that are done too')
  .action(async (options: { all?: boolean }, command: Command) => {
    const { listRequests } = await import('./commands/approve.ts');
    process.exitCode = listRequests({ ...atMember(command), all: options.all === true });
  });
member
  .command('approver')
  .description('makes the key of somebody who may approve')
  .argument('<name>', 'small letters, digits and dashes')
  .action(async (name: string, _: unknown, command: Command) => {
    const { makeApprover } = await import('./commands/approve.ts');
    process.exitCode = await makeApprover({ ...atMember(command), name });
  });
member
  .command('approve')
  .description('signs one request as one of those people; two of them are needed')
  .argument('<id>', 'number of the request')
  .requiredOption('--as <name>', 'who approves')
  .option('--key <file>', 'that person’s private key, when it is not in the member’s folder')
  .option('--door <url>', 'the member’s address, when it is not the running machine’s')
  .action(async (id: string, options: { as: string; key?: string; door?: string }, command: Command) => {
    const { approve } = await import('./commands/approve.ts');
    const { as: name, key, door } = options;
    process.exitCode = await approve({ ...atMember(command), id, name, key, ...(door && { door }) });
  });

const keys = verb('keys', 'keys of a running machine');
keys
  .command('rotate')
  .description(
    'puts a new key in force, named by two of three organisations; the old one counts up to where it ended',
  )
  .addArgument(new Argument('<key>', 'which').choices(['log', 'witness']))
  .addOption(new Option('--org <name>', 'whose witness').choices(ORGANISATIONS))
  .action(async (key: 'log' | 'witness', options: { org?: Organisation }, command: Command) => {
    const of = key === 'log' ? 'log' : options.org;
    if (of === undefined) command.error('name the witness’s organisation with --org');
    const { rotateKey } = await import('./commands/keys.ts');
    const { data } = command.optsWithGlobals<{ readonly data: string }>();
    process.exitCode = await rotateKey(dataDirOf(data), of);
  });

keys
  .command('renew')
  .description(
    'has certificates of processes and members that near their end certified anew, for the same keys',
  )
  .action(async (_: unknown, command: Command) => {
    const { renewCertificates } = await import('./commands/keys.ts');
    const { data } = command.optsWithGlobals<{ readonly data: string }>();
    process.exitCode = await renewCertificates(dataDirOf(data));
  });

verb('migrate', 'brings the database to today’s tables; DATABASE_URL names it as its owner').action(
  async (options: { data: string }) => {
    const { migrate } = await import('../db/migrate.ts');
    const machine = machineOf(dataDirOf(options.data));
    const owner = engineSettings(environment()).databaseUrl ?? machine.run?.postgres.owner;
    if (!owner)
      throw new SettingRefused(
        'database is not known; set DATABASE_URL, or name the data folder of a running machine with --data',
      );
    await migrate(owner, { passwords: machine.secrets.passwords });
    console.error('The database has today’s tables.');
  },
);

verb('seed', 'adds the demonstration people, for a machine on loopback').action(
  async (options: { data: string }) => {
    const { seed } = await import('./commands/seed.ts');
    const { added } = await seed(machineOf(dataDirOf(options.data)));
    console.error(`${added} demonstration people were added.`);
  },
);

verb('people', 'the people of a service that runs for real')
  .command('add')
  .description(
    'makes the first security administrator and prints the link by which they make their passkey; everybody else is added on the page',
  )
  .requiredOption('--name <name>', 'as colleagues know them')
  .addOption(new Option('--organisation <name>', 'whose').choices(ORGANISATIONS).makeOptionMandatory())
  .addOption(
    new Option('--role <role>', 'the one role that is given here')
      .choices(['security-administrator'])
      .default('security-administrator'),
  )
  .action(async (options: { name: string; organisation: Organisation }, command: Command) => {
    const { printFirst } = await import('./commands/people.ts');
    const { data } = command.optsWithGlobals<{ readonly data: string }>();
    await printFirst(machineOf(dataDirOf(data)), options);
  });

verb('backup', 'copies a stopped machine, every store and every key, into a new folder')
  .argument('<dir>', 'folder to make')
  .action(async (folder: string, options: { data: string }) => {
    const { backup } = await import('./commands/backup.ts');
    await backup({ dataDir: dataDirOf(options.data), folder });
  });
verb('restore', 'makes a data folder from a backup, each file held against its hash')
  .argument('<dir>', 'folder of the backup')
  .addOption(
    new Option('--only <store>', 'one store, into the data folder that is there').choices([
      'postgres',
      'temporal',
    ]),
  )
  .action(async (folder: string, options: { data: string; only?: 'postgres' | 'temporal' }) => {
    const { restore } = await import('./commands/backup.ts');
    await restore({ dataDir: dataDirOf(options.data), folder, only: options.only });
  });

verb('verify', 'everything that was recorded, against the log and every member’s chain')
  .option('--json', 'for programs')
  .option('--receipt <file>', 'only whether the log kept what this receipt promised')
  .option('--export <dir>', 'writes the whole log as files; checks those that are there, without the machine')
  .option('--trust <file>', 'a member’s trust.json, whose keys alone then count')
  .option('--no-histories', 'leaves out what Temporal’s histories say of each case')
  .action(
    async (options: {
      data: string;
      json?: boolean;
      receipt?: string;
      export?: string;
      trust?: string;
      histories: boolean;
    }) => {
      if (options.export !== undefined) {
        const { runExport } = await import('./commands/export.ts');
        const { export: folder, trust } = options;
        const dataDir = dataDirOf(options.data);
        process.exit(await runExport({ dataDir, folder, trust, json: options.json === true }));
      }
      if (options.receipt !== undefined) {
        const { runReceipt } = await import('./commands/receipt.ts');
        const { receipt: file } = options;
        process.exit(
          await runReceipt({ dataDir: dataDirOf(options.data), file, json: options.json === true }),
        );
      }
      const { runVerify } = await import('./commands/verify.ts');
      const { trust, json, histories } = options;
      const dataDir = dataDirOf(options.data);
      process.exit(await runVerify({ dataDir, trust, histories, json: json === true }));
    },
  );

verb('evidence', 'one case’s evidence, as a file that anybody can check without us')
  .argument('<case>', 'its number or id')
  .requiredOption('-o, --output <file>', 'file to write')
  .action(async (about: string, options: { data: string; output: string }) => {
    const { runEvidence } = await import('./commands/evidence.ts');
    process.exit(await runEvidence({ dataDir: dataDirOf(options.data), about, file: options.output }));
  });

/** Where the web of a running machine is. */
function originOf(data: string): string {
  const origin = readRunFile(dataDirOf(data))?.web ?? readConfig().REHAB_PUBLIC_URL;
  if (!origin)
    throw new SettingRefused(
      'nothing runs over this data folder; start the machine with npm start, name its data folder with --data, or set REHAB_PUBLIC_URL',
    );
  return origin;
}
const wholeFrom =
  (min: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < min)
      throw new InvalidArgumentError(`a whole number from ${min} is needed.`);
    return value;
  };

verb('import', 'hands FHIR R4 bundles to the web’s door; each becomes a draft application, or a plain no')
  .argument('<file...>', 'files, or folders whose .json files are taken')
  .option(
    '--case <number>',
    'published results instead: fill in the assessment that a therapist holds in this case',
  )
  .option('--json', 'for programs: one list of what became of each file')
  .addHelpText(
    'after',
    '\nExit 0: all taken. 2: some refused, each with its reason. 1: the web cannot be reached.',
  )
  .action(async (files: string[], options: { data: string; case?: string; json?: boolean }) => {
    const { importRecords } = await import('./commands/import.ts');
    process.exitCode = await importRecords({
      origin: originOf(options.data),
      files,
      ...(options.case === undefined ? {} : { case: options.case }),
      json: options.json === true,
    });
  });

verb('drive', 'lives cases through the whole lifecycle over HTTP, as the demonstration’s people would')
  .requiredOption('--cases <n>', 'how many cases', wholeFrom(1))
  .requiredOption('--concurrency <n>', 'how many at the same time', wholeFrom(1))
  .option('--from <file...>', 'FHIR R4 bundles, or folders of them, whose drafts become applications')
  .option(
    '--seed <n>',
    'draws intended outcomes, people and answers; the same seed draws the same',
    wholeFrom(0),
    1,
  )
  .option('--acknowledged <file>', 'adds a line of JSON per acknowledged decision, with its operation key')
  .option('--json', 'for programs')
  .addHelpText(
    'after',
    '\nA request that is not answered is sent again with the same key for up to five minutes. Errors are what no case\nintended: a refusal, or another outcome. Exit 0: none. 2: some. 1: the web cannot be reached.',
  )
  .action(
    async (options: {
      data: string;
      cases: number;
      concurrency: number;
      from?: string[];
      seed: number;
      acknowledged?: string;
      json?: boolean;
    }) => {
      const { drive } = await import('./commands/drive.ts');
      process.exitCode = await drive({
        origin: originOf(options.data),
        cases: options.cases,
        concurrency: options.concurrency,
        seed: options.seed,
        from: options.from ?? [],
        ...(options.acknowledged ? { acknowledged: options.acknowledged } : {}),
        json: options.json === true,
      });
    },
  );

verb('replay', 'recorded histories against today’s workflow code, the database and the log')
  .argument('[case...]', 'numbers or ids of cases')
  .option('--all', 'all cases')
  .option('--json', 'for programs')
  .action(
    async (cases: string[], options: { data: string; all?: boolean; json?: boolean }, command: Command) => {
      if (cases.length > 0 === (options.all === true)) command.error('name cases, or give --all');
      const { runReplay } = await import('./commands/replay.ts');
      process.exitCode = await runReplay({
        dataDir: dataDirOf(options.data),
        cases,
        json: options.json === true,
      });
    },
  );

verb('doctor', 'one line per check, with the remedy')
  .option('--json', 'for programs')
  .action(async (options: { data: string; json?: boolean }) => {
    const { doctor } = await import('./commands/doctor.ts');
    process.exitCode = await doctor({
      dataDir: dataDirOf(options.data),
      settings: engineSettings(environment()),
      json: options.json === true,
    });
  });

try {
  await program.parseAsync();
} catch (error) {
  if (
    error instanceof EngineTrouble ||
    error instanceof SettingRefused ||
    (error instanceof Error && (error.name === 'ProfileTrouble' || error.name === 'FolderTrouble'))
  ) {
    console.error(error.message);
    process.exitCode = 1;
  } else throw error;
}
