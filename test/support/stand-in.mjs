// Test support: stands for web, worker and ledger where the test is about starting and keeping processes, not about
// what they do. Answers on the ports that `rehab start` gives, and shows its environment. Arguments: process name.
import { createServer } from 'node:http';

const [name] = process.argv.slice(2);
const { REHAB_OPS_PORT, REHAB_PORT } = process.env;
const ports = { web: [REHAB_OPS_PORT, REHAB_PORT], member: [REHAB_PORT] }[name] ?? [REHAB_OPS_PORT];
for (const port of ports) {
  const server = createServer((request, response) => {
    if (request.url === '/healthz' || request.url === '/readyz') response.end('ok');
    else if (request.url === '/environment') response.end(JSON.stringify(process.env));
    else if (request.url === '/status')
      response.end(JSON.stringify({ cosigned: null, alarms: [], looked: new Date().toISOString() }));
    else response.writeHead(404).end();
  });
  server.listen(Number(port), '127.0.0.1');
}
process.on('SIGTERM', () => process.exit(0));
