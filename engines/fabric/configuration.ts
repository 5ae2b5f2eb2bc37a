// Engines, Fabric: writes each program's configuration from the templates beside this file.
// Promise: a value that a template names and nobody gives stops the start; nothing is guessed.
// Files are written whole or not at all, readable by their owner only.
import { chmod, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { likeItsFolder } from '../users.ts';

export type Template = 'ca.yaml' | 'configtx.yaml' | 'core.yaml' | 'orderer.yaml' | 'organisation.yaml';

/** Fills a template. `${NAME}` and `${organisation.NAME}` are replaced; the word NAMES in a comment is left. */
export async function fillTemplate(
  name: Template,
  values: Readonly<Record<string, string>>,
): Promise<string> {
  const text = await readFile(join(import.meta.dirname, 'config', name), 'utf8');
  return text.replace(/\$\{([A-Za-z_.]+)\}/g, (whole, key: string) => {
    if (key === 'NAMES') return whole;
    const value = values[key];
    if (value === undefined) throw new Error(`Template names an unknown value: ${key} in ${name}`);
    // All values stand inside YAML scalars that such characters would end.
    if (/["\n\r]/.test(value)) throw new Error(`Value cannot stand in a template: ${key}`);
    return value;
  });
}

/** Writes a file that only its owner reads; a reader sees the old or the new one, never a part. */
export async function writePrivately(path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const partial = `${path}.partial`;
  await writeFile(partial, content, { mode: 0o600, flush: true });
  // Before it has its name: its owner's processes may read it at any moment.
  likeItsFolder(partial);
  await rename(partial, path);
}

/** Takes every right but the owner's from a folder and all below it; what vanishes meanwhile needs none taken. */
export async function makePrivate(folder: string): Promise<void> {
  await chmod(folder, 0o700);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await makePrivate(path);
    else await chmod(path, 0o600).catch(unlessGone);
  }
}

function unlessGone(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
}
