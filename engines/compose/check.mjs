// Engines, compose: whether a process of the network takes connections, for the health checks of docker-compose.yml.
// Plain JavaScript on Node's own modules, because twelve containers run it every few seconds. Arguments: data folder,
// process name. Exit code 0 or 1; never says more to strangers.
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';

const [folder = '', name = ''] = process.argv.slice(2);
try {
  const ports = JSON.parse(readFileSync(join(folder, 'ports.json'), 'utf8'));
  // A chaincode has no operations port of its own.
  const [, kind, organisation] = /^(peer|orderer|ca|chaincode)-(\w+)$/.exec(name) ?? [];
  const port = ports[kind === 'chaincode' ? name : `${kind}-operations-${organisation}`];
  const socket = connect({ port, host: '127.0.0.1', timeout: 2_000 });
  socket.once('connect', () => process.exit(0));
  socket.once('timeout', () => process.exit(1));
  socket.once('error', () => process.exit(1));
} catch {
  process.exitCode = 1; // not set up yet, or an unknown name
}
