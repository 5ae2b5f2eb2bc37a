// The list of changes against the workflow code: each id that `patched` or `deprecatePatch` is called with stands in
// workflows/changes.ts, and nothing stands there that is not called. Found by the parser, behind whatever name.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { CHANGES } from '../../workflows/changes.ts';

const SDK = '@temporalio/workflow';
const CALLS = new Set(['patched', 'deprecatePatch']);

/** The ids that a source asks for. Throws on a use that is not a plain call with a plain text: nobody could list its id. */
function changesIn(text: string, name = 'source.ts'): string[] {
  const source = ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true);
  const names = new Set<string>();
  const ids: string[] = [];
  const demand = (good: boolean, node: ts.Node): void => {
    if (!good)
      throw new Error(
        `${name}: call it by its name and with the text of its id: ${node.parent.getText().slice(0, 80)}`,
      );
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      const bindings = node.importClause?.namedBindings;
      if (!(node.moduleSpecifier as ts.StringLiteral).text.startsWith(SDK) || !bindings) return;
      demand(ts.isNamedImports(bindings), bindings);
      for (const { name: local, propertyName } of (bindings as ts.NamedImports).elements)
        if (CALLS.has((propertyName ?? local).text)) names.add(local.text);
    } else if (ts.isPropertyAccessExpression(node)) visit(node.expression);
    else {
      // The whole SDK, fetched or handed on, would hide what is asked of it.
      demand(!ts.isStringLiteral(node) || !node.text.startsWith(SDK), node);
      if (ts.isIdentifier(node) && names.has(node.text)) {
        const call = node.parent;
        const id = ts.isCallExpression(call) && call.expression === node ? call.arguments[0] : undefined;
        demand(id !== undefined && ts.isStringLiteral(id), node);
        ids.push((id as ts.StringLiteral).text);
      }
      ts.forEachChild(node, visit);
    }
  };
  ts.forEachChild(source, visit);
  return ids;
}

test('every change that workflow code asks for stands in the list, and no other does', () => {
  const folder = fileURLToPath(new URL('../../workflows/', import.meta.url));
  const found = new Set<string>();
  for (const path of readdirSync(folder, { recursive: true, encoding: 'utf8' }))
    if (/\.tsx?$/.test(path))
      for (const id of changesIn(readFileSync(join(folder, path), 'utf8'), path)) found.add(id);
  expect([...found].sort()).toEqual([...CHANGES].sort());
});

test('the ids fit where the SDK tells Temporal of them, and need no quoting', () => {
  // Core leaves out what would make the search attribute's value as long as this (upsert_search_attributes_state_machine.rs).
  expect(JSON.stringify(CHANGES).length).toBeLessThan(2048);
  for (const id of CHANGES) expect(id).toMatch(/^[a-z][a-z-]{0,38}[a-z]$/);
});

test('the scan sees a call behind another name, and refuses an id that nobody can read', () => {
  const from = (names: string) => `import ${names} from '${SDK}';\n`;
  expect(
    changesIn(`${from('{ patched }')}const way = patched('a') ? 1 : 2; other.patched('b'); // patched('c')`),
  ).toEqual(['a']);
  expect(
    changesIn(`${from('{ patched as p, deprecatePatch }')}deprecatePatch('a'); if (p('b')) go();`),
  ).toEqual(['a', 'b']);
  for (const text of ['patched(id)', "patched('a' + 'b')", 'const ask = patched', 'use({ patched })'])
    expect(() => changesIn(`${from('{ patched }')}${text}`)).toThrow('with the text of its id');
  for (const text of [from('* as wf'), `export * from '${SDK}';`, `const wf = await import('${SDK}');`])
    expect(() => changesIn(text)).toThrow('call it by its name');
});
