// Test support: starts engines in a process of its own, says where they are in one line of JSON, stays until it is
// told to stop. For tests that run as another user or kill the whole run. Arguments: data folder, parts.

import { engineSettings } from '../../engines/settings.ts';
import { startEngines } from '../../engines/stack.ts';
import { EngineTrouble } from '../../engines/trouble.ts';

const [dataDir, ...parts] = process.argv.slice(2);
const { DATABASE_URL, TEMPORAL_ADDRESS, FABRIC_PROFILE, ...environment } = process.env;
try {
  const engines = await startEngines({
    dataDir,
    parts,
    settings: engineSettings(environment),
    progress: (line) => console.error(line),
  });
  const { postgres, temporal } = engines;
  console.log(
    JSON.stringify({
      postgres: postgres && { url: postgres.superuserUrl, pid: postgres.pid() },
      temporal: temporal && { address: temporal.address, pid: temporal.pid() },
    }),
  );
  process.on('SIGTERM', () => engines.stop());
} catch (error) {
  if (!(error instanceof EngineTrouble)) throw error;
  console.log(JSON.stringify({ trouble: error.message }));
}
