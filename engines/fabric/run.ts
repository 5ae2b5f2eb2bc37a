// Engines, Fabric: runs one of Fabric's own tools to its end.
// Promise: a tool that fails becomes one sentence with its own last words. Never passes a secret as an argument.
import { execFile } from 'node:child_process';
import { basename } from 'node:path';
import { EngineTrouble, lastWords } from '../trouble.ts';

const TOOL_TIMEOUT_MS = 90_000;

/** Resolves with the tool's standard output. */
export function run(
  program: string,
  args: readonly string[],
  options: { readonly env?: Readonly<Record<string, string>>; readonly cwd?: string } = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(
      program,
      args,
      {
        timeout: TOOL_TIMEOUT_MS,
        maxBuffer: 16 * 2 ** 20,
        env: { ...options.env },
        ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      },
      (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else {
          const words = lastWords(stderr) || lastWords(stdout) || error.message;
          reject(
            new EngineTrouble(`Fabric's ${basename(program)} ${args.slice(0, 3).join(' ')} failed: ${words}`),
          );
        }
      },
    );
  });
}
