// docs/threats.md claims only what a test shows: each name it gives is found in the file it names.
import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const at = (path: string): URL => new URL(`../../${path}`, import.meta.url);

test('every test that docs/threats.md names is there, and every row of its tables names one', () => {
  const text = readFileSync(at('docs/threats.md'), 'utf8');
  const rows = text.split('\n').filter((line) => /^\| /.test(line));
  const cited = rows.flatMap((row) =>
    [...row.matchAll(/`(test\/[\w./-]+)`: ((?:"[^"]+"(?:, )?)+)/g)].flatMap(([, path = '', names = '']) =>
      [...names.matchAll(/"([^"]+)"/g)].map(([, name = '']) => ({ path, name })),
    ),
  );
  const missing = cited.filter(
    ({ path, name }) => !existsSync(at(path)) || !readFileSync(at(path), 'utf8').includes(name),
  );
  expect(missing).toEqual([]);
  expect(cited.length).toBeGreaterThan(30);
  const shown = text.slice(text.indexOf('## What somebody could do'), text.indexOf('## Not shown'));
  const claims = shown.split('\n').filter((line) => /^\| /.test(line) && !/^\| (who|fault) \|/.test(line));
  expect(claims.filter((row) => !row.includes('`test/'))).toEqual([]);
});
