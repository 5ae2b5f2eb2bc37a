// The inventory of algorithms against the code (SECURITY.md K1): what is taken from node:crypto, and with which algorithm, stands in
// docs/keys.md, and nothing stands there that is not used.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { namedCalls } from '../support/key-table.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const FOLDERS = ['activities', 'bin', 'db', 'domain', 'engines', 'fhir', 'ledger', 'web', 'workflows'];

/** What a source takes from crypto: each import, with the algorithm where a call names one. */
function callsIn(text: string): string[] {
  const calls: string[] = [];
  for (const [, names = ''] of text.matchAll(/import \{([^}]*)\} from 'node:crypto'/g))
    for (const one of names.split(',').map((name) => name.trim())) {
      if (one === '' || one.startsWith('type ')) continue;
      const [name = '', alias = name] = one.split(' as ');
      const given = [...text.matchAll(new RegExp(`(?<![\\w.])${alias}\\(\\s*(null|'[^']*')`, 'g'))];
      if (given.length === 0) calls.push(name);
      for (const [, algorithm = ''] of given) calls.push(`${name} ${algorithm.replaceAll("'", '')}`);
    }
  for (const [, name] of text.matchAll(/\bsubtle\s*\.(\w+)\(/g)) calls.push(`subtle.${name}`);
  for (const [, name] of text.matchAll(/name: '((?:EC|AES|HMAC|Ed|RSA|HKDF|PBK|X25)[\w-]*)'/g))
    calls.push(`subtle ${name}`);
  for (const [, name] of text.matchAll(/namedCurve: '([^']*)'/g)) calls.push(`curve ${name}`);
  return calls;
}

test('every use of crypto, with its algorithm, stands in docs/keys.md, and no other does', () => {
  const found = new Set<string>();
  for (const folder of FOLDERS)
    for (const path of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })) {
      if (path.includes('node_modules') || !/\.(tsx?|m?js)$/.test(path)) continue;
      const text = readFileSync(join(root, folder, path), 'utf8');
      // One way in: a name of the whole module would hide what is used of it.
      expect([
        path,
        /(\* as \w+|\w+) from 'node:crypto'|from 'crypto'|require\('(node:)?crypto'\)/.test(text),
      ]).toEqual([path, false]);
      for (const call of callsIn(text)) found.add(call);
    }
  expect([...found].sort()).toEqual(namedCalls().sort());
});

test('the scan sees an algorithm behind another name', () => {
  expect(callsIn("import { createHash as h, type KeyObject } from 'node:crypto';\nh('md5')")).toEqual([
    'createHash md5',
  ]);
  expect(callsIn("crypto.subtle.sign({ name: 'RSA-PSS' }, k, b)")).toEqual(['subtle.sign', 'subtle RSA-PSS']);
});
