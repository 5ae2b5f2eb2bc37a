// Engines, Fabric: bundles the chaincode into one file and packs the note that peers install.
// Promise: the same sources give the same bytes, so the package's id changes when and only when the program does.
// Never puts an address or a key into the package: all three organisations install the same bytes.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { CHAINCODE } from '../../domain/consortium.ts';
import { writePrivately } from './configuration.ts';

export type ChaincodeProgram = {
  /** CommonJS file that Node runs. */
  readonly bundlePath: string;
  /** What peers install. */
  readonly packagePath: string;
  /** Fabric's name for the package: label and SHA-256 of its bytes. */
  readonly packageId: string;
  readonly version: string;
};

const SOURCE = join(import.meta.dirname, '..', '..', 'ledger', 'chaincode');

/** What runs as chaincode: one CommonJS file, and the version that the channel's definition names. */
export type ChaincodeBundle = { readonly program: Uint8Array; readonly version: string };

/** Today's sources as one file. */
export async function bundleChaincode(): Promise<ChaincodeBundle> {
  const { version } = JSON.parse(readFileSync(join(SOURCE, 'package.json'), 'utf8')) as { version: string };
  const { outputFiles } = await build({
    entryPoints: [join(SOURCE, 'main.ts')],
    // Paths in the output count from here, so that a checkout elsewhere gives the same bytes.
    absWorkingDir: join(SOURCE, '..', '..'),
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node24',
    legalComments: 'none',
    write: false,
    logLevel: 'silent',
  });
  return { program: outputFiles[0]!.contents, version };
}

/** Packs into `folder`; files that are there already under the same hash are left alone. */
export async function packChaincode(
  folder: string,
  { program, version }: ChaincodeBundle,
): Promise<ChaincodeProgram> {
  const hash = sha256(program);
  const bundlePath = join(folder, `${CHAINCODE}-${hash.slice(0, 16)}.cjs`);
  if ((await stat(bundlePath).catch(() => undefined)) === undefined)
    await writePrivately(bundlePath, program);

  const label = `${CHAINCODE}-${version}`;
  const bytes = tarGz({
    'metadata.json': JSON.stringify({ label, path: '', type: 'rehab-service' }),
    'code.tar.gz': tarGz({ 'program.sha256': `${hash}\n` }),
  });
  const packagePath = join(folder, `${label}.tar.gz`);
  await writePrivately(packagePath, bytes);
  return { bundlePath, packagePath, packageId: `${label}:${sha256(bytes)}`, version };
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** A tar (POSIX ustar) of plain files in a gzip that stores: nothing in it depends on time, place or zlib's version. */
function tarGz(files: Readonly<Record<string, string | Uint8Array>>): Uint8Array {
  const blocks: Uint8Array[] = [];
  for (const [name, content] of Object.entries(files)) {
    const bytes = Buffer.from(content);
    blocks.push(tarHeader(name, bytes.length), bytes, Buffer.alloc(-bytes.length & 511));
  }
  const packed = gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]), { level: 0 });
  // RFC 1952: the ninth byte names the operating system; 255 is "unknown".
  packed[9] = 255;
  return packed;
}

function tarHeader(name: string, size: number): Uint8Array {
  const header = Buffer.alloc(512);
  const octal = (value: number, length: number) => `${value.toString(8).padStart(length - 1, '0')}\0`;
  header.write(name, 0);
  header.write(octal(0o644, 8), 100);
  header.write(octal(0, 8), 108);
  header.write(octal(0, 8), 116);
  header.write(octal(size, 12), 124);
  header.write(octal(0, 12), 136);
  header.write('        ', 148);
  header.write('0', 156);
  header.write('ustar\x0000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}
