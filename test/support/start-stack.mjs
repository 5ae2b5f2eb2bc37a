// Test support: `rehab start` in a process of its own, with stand-ins for web, worker and ledger and a seed that
// leaves its mark. Arguments: data folder, port (optional).
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { register } from 'tsx/esm/api';

register();
const { start } = await import('../../bin/commands/start.ts');
const { engineSettings } = await import('../../engines/settings.ts');

const [dataDir, port] = process.argv.slice(2);
const { DATABASE_URL, TEMPORAL_ADDRESS, FABRIC_PROFILE, ...environment } = process.env;
process.exitCode = await start({
  dataDir,
  ...(port === undefined ? {} : { port: Number(port) }),
  program: join(import.meta.dirname, 'stand-in.mjs'),
  settings: engineSettings(environment),
  seed: async ({ dataDir: where }) => appendFileSync(join(where, 'seeded'), '.'),
});
