// Bench, where the time goes: a sampling profile of this process, and the processor time of every other one, for figures
// that miss their goal. Reports functions and files, never values.
import { readFileSync } from 'node:fs';
import type { Profiler } from 'node:inspector';
import { Session } from 'node:inspector/promises';
import { fileURLToPath } from 'node:url';
import type { Measured } from './rounds.ts';

/** Runs `body` under V8's sampling profiler in this process. */
export async function profiled(body: () => Promise<unknown>, top = 14): Promise<string[]> {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: 200 });
  await session.post('Profiler.start');
  await body();
  const { profile } = await session.post('Profiler.stop');
  session.disconnect();
  return topOf(profile, top);
}

/**
 * The same of another Node process of ours, which was started with `--inspect-port=0`: SIGUSR1 opens its inspector on
 * loopback (nodejs.org/api/cli.html), and its log says where.
 */
export async function profiledProcess(
  pid: number,
  logPath: string,
  body: () => Promise<unknown>,
  top = 14,
): Promise<string[]> {
  const socket = new WebSocket(await inspectorOf(pid, logPath));
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve, { once: true });
    socket.addEventListener('error', () => reject(new Error('inspector cannot be reached')), { once: true });
  });
  let id = 0;
  const post = (method: string, params = {}): Promise<Record<string, unknown>> => {
    const mine = ++id;
    return new Promise((resolve) => {
      const hear = (event: MessageEvent): void => {
        const message = JSON.parse(String(event.data)) as { id?: number; result?: Record<string, unknown> };
        if (message.id !== mine) return;
        socket.removeEventListener('message', hear);
        resolve(message.result ?? {});
      };
      socket.addEventListener('message', hear);
      socket.send(JSON.stringify({ id: mine, method, params }));
    });
  };
  await post('Profiler.enable');
  await post('Profiler.setSamplingInterval', { interval: 500 });
  await post('Profiler.start');
  await body();
  const { profile } = await post('Profiler.stop');
  socket.close();
  return topOf(profile as Profiler.Profile, top);
}

async function inspectorOf(pid: number, logPath: string): Promise<string> {
  process.kill(pid, 'SIGUSR1');
  for (let tries = 0; tries < 100; tries++) {
    const found = /Debugger listening on (ws:\/\/127\.0\.0\.1:\S+)/.exec(readFileSync(logPath, 'utf8'));
    if (found?.[1]) return found[1];
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('inspector did not open');
}

/** Functions with most time of their own, in per cent of busy time. */
function topOf(profile: Profiler.Profile, top: number): string[] {
  const own = new Map<number, number>();
  for (const [i, node] of (profile.samples ?? []).entries())
    own.set(node, (own.get(node) ?? 0) + (profile.timeDeltas?.[i] ?? 0));
  const byFunction = new Map<string, number>();
  let busy = 0;
  for (const node of profile.nodes) {
    const time = own.get(node.id) ?? 0;
    const { functionName, url, lineNumber } = node.callFrame;
    // Waiting, and the profiler's own start.
    if (functionName === '(idle)' || url === 'node:inspector') continue;
    busy += time;
    const where = url.startsWith('file:') ? shortPath(fileURLToPath(url)) : url;
    const name = `${functionName || '(anonymous)'}${where ? ` ${where}:${lineNumber + 1}` : ''}`;
    byFunction.set(name, (byFunction.get(name) ?? 0) + time);
  }
  return [...byFunction]
    .sort((a, b) => b[1] - a[1])
    .slice(0, top)
    .map(([name, time]) => `${((time / busy) * 100).toFixed(1)} % ${name}`);
}

const shortPath = (path: string): string =>
  path.includes('/node_modules/')
    ? path.slice(path.lastIndexOf('/node_modules/') + 14)
    : path.slice(fileURLToPath(new URL('..', import.meta.url)).length);

/** Processor milliseconds of one operation, process by process, the largest first. */
export const processorLine = ({ cpuMsPerOperation }: Measured): string =>
  Object.entries(cpuMsPerOperation)
    .filter(([, ms]) => ms >= 0.005)
    .sort((a, b) => b[1] - a[1])
    .map(([name, ms]) => `${name} ${ms.toFixed(ms < 1 ? 3 : 2)}`)
    .join(', ');
