// The one command, `rehab <verb>`: composition roots and nothing else. Progress goes to standard error, results to
// standard output; exit codes are those of DESIGN.md section 7.
import { fileURLToPath } from 'node:url';
import { Command, Option } from 'commander';
import { engineSettings } from '../engines/settings.ts';
import { EngineTrouble } from '../engines/trouble.ts';
import { dataDirOf, environment, SettingRefused } from './config.ts';
import { machineOf } from './machine.ts';

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
    const { seed } = await import('./commands/seed.ts');
    process.exitCode = await start({
      dataDir,
      program: here,
      settings: engineSettings(environment()),
      ...(options.port ? { port: options.port } : {}),
      ...(options.json ? { json: true } : {}),
      seed: async (addresses) => {
        const machine = machineOf(dataDir);
        await seed({
          ...machine,
          settings: {
            ...machine.settings,
            REHAB_DATABASE_URL: addresses.databaseUrls.worker,
            FABRIC_PROFILE: addresses.fabricProfile,
          },
        });
      },
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

verb('verify', 'everything that was recorded, against the log and every member’s chain')
  .option('--json', 'for programs')
  .action(async (options: { data: string; json?: boolean }) => {
    const { runVerify } = await import('./commands/verify.ts');
    process.exitCode = await runVerify({ dataDir: dataDirOf(options.data), json: options.json === true });
  });

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
    (error instanceof Error && error.name === 'ProfileTrouble')
  ) {
    console.error(error.message);
    process.exitCode = 1;
  } else throw error;
}
