// Engines: the hashes that stand between what was built or unpacked and what is run (SECURITY.md S3).
// Writes and checks SHA256SUMS files in the format of `sha256sum`. Never mends a difference: a person decides.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

const SUMS = 'SHA256SUMS';

/** SHA-256 of a file's bytes, in hexadecimal. */
export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}

/** All ordinary files below a folder, as sorted relative paths; links and the sums themselves are left out. */
export async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .filter((path) => path !== SUMS)
    .sort();
}

/** Writes SHA256SUMS for the given files of a folder, durably. */
export async function writeSums(folder: string, files: readonly string[]): Promise<void> {
  const lines: string[] = [];
  for (const file of files) lines.push(`${await sha256OfFile(join(folder, file))}  ${file}\n`);
  const partial = join(folder, `${SUMS}.partial`);
  const handle = await open(partial, 'w', 0o644);
  try {
    await handle.writeFile(lines.join(''));
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(partial, join(folder, SUMS));
}

/** What is wrong with the given files of a folder against its SHA256SUMS: the files that are missing, not listed or different. */
export async function wrongSums(folder: string, files: readonly string[]): Promise<string[]> {
  const text = await readFile(join(folder, SUMS), 'utf8').catch(() => '');
  const wanted = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = /^([0-9a-f]{64}) [ *](.+)$/.exec(line);
    if (match?.[1] !== undefined && match[2] !== undefined) wanted.set(match[2], match[1]);
  }
  const wrong: string[] = [];
  for (const file of files) {
    const is = await sha256OfFile(join(folder, file)).catch(() => undefined);
    if (is === undefined || wanted.get(file) !== is) wrong.push(file);
  }
  return wrong;
}

/** One hash over a whole folder: SHA-256 of its sorted `sha256sum` lines. */
export async function sha256OfFolder(folder: string): Promise<string> {
  const files = await filesBelow(folder);
  const lines: string[] = new Array(files.length);
  let next = 0;
  // A few at a time: a folder of a thousand small files would otherwise wait for the disk one by one.
  const work = async (): Promise<void> => {
    for (let index = next++; index < files.length; index = next++) {
      const file = files[index] ?? '';
      lines[index] = `${await sha256OfFile(join(folder, file))}  ${file}\n`;
    }
  };
  await Promise.all(Array.from({ length: 8 }, work));
  return createHash('sha256').update(lines.join('')).digest('hex');
}
