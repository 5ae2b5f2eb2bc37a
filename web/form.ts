// Station 1, web: forms as they come in. Caps apply to the bytes read, before parsing (N2); only named fields are taken,
// none that reaches a prototype, none twice unless it is a list (N5, A4).
import type { Context } from 'hono';
import { type Refusal, refuse } from '../domain/refusal.ts';
import type { WebEnv } from './deps.ts';

/** Caps in bytes (SECURITY.md G5). */
export const FORM_BYTES = 64 * 1024;
export const BUNDLE_BYTES = 10 * 1024 * 1024;
const FIELDS = 1000;

/** A form's fields by name. */
export type Form = ReadonlyMap<string, readonly string[]>;

/** Reads at most `limit` bytes of a body; a longer one, whatever its length header says, is refused. */
export async function readBody(c: Context<WebEnv>, limit: number): Promise<Uint8Array | 'too-large'> {
  const declared = Number(c.req.header('content-length') ?? 0);
  if (declared > limit) return 'too-large';
  const reader = c.req.raw.body?.getReader();
  if (!reader) return new Uint8Array();
  const parts: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > limit) {
      await reader.cancel();
      return 'too-large';
    }
    parts.push(value);
  }
  return Buffer.concat(parts);
}

/** Reads a form; `undefined` fields are told apart from empty ones by absence. */
export async function readForm(
  c: Context<WebEnv>,
  limit = FORM_BYTES,
): Promise<Form | Refusal | 'too-large'> {
  const type = (c.req.header('content-type') ?? '').split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/x-www-form-urlencoded') return refuse('malformed');
  const bytes = await readBody(c, limit);
  if (bytes === 'too-large') return bytes;
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return refuse('malformed');
  }
  const form = new Map<string, string[]>();
  let count = 0;
  for (const [name, value] of new URLSearchParams(text)) {
    if (++count > FIELDS || name.length > 120 || /__proto__|^constructor$|^prototype$/.test(name))
      return refuse('malformed');
    const known = form.get(name);
    if (known) known.push(value);
    else form.set(name, [value]);
  }
  return form;
}

/**
 * Takes named fields out of a form. `one` fields may stand once, `many` any number of times; anything else in the form
 * that does not begin with one of `prefixes` is refused.
 */
export function takeFields(
  form: Form,
  names: { one?: readonly string[]; many?: readonly string[]; prefixes?: readonly string[] },
):
  | {
      get(name: string): string;
      has(name: string): boolean;
      all(name: string): readonly string[];
      under(prefix: string): Record<string, string>;
    }
  | Refusal {
  const { one = [], many = [], prefixes = [] } = names;
  for (const [name, values] of form) {
    if (many.includes(name)) continue;
    if (!one.includes(name) && !prefixes.some((prefix) => name.startsWith(prefix)))
      return refuse('malformed', { fields: [{ field: name.slice(0, 60), fault: 'unknownField' }] });
    if (values.length > 1)
      return refuse('malformed', { fields: [{ field: name.slice(0, 60), fault: 'unknownField' }] });
  }
  return {
    get: (name) => form.get(name)?.[0] ?? '',
    has: (name) => form.has(name),
    all: (name) => form.get(name) ?? [],
    under: (prefix) =>
      Object.fromEntries(
        [...form]
          .filter(([name]) => name.startsWith(prefix))
          .map(([name, values]) => [name.slice(prefix.length), values[0] ?? '']),
      ),
  };
}
