// Bench, where the time goes: a sampling profile of this process, and the processor time of every other one, for figures
// that miss their goal. Reports functions and files, never values.
import { Session } from 'node:inspector/promises';
import { fileURLToPath } from 'node:url';
import type { Measured } from './rounds.ts';

/** Runs `body` under V8's sampling profiler; gives the functions with most time of their own, in per cent of busy time. */
export async function profiled(body: () => Promise<unknown>, top = 14): Promise<string[]> {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: 200 });
  await session.post('Profiler.start');
  await body();
  const { profile } = await session.post('Profiler.stop');
  session.disconnect();
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
