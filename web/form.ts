// Station 1, web: forms as they come in. Caps apply to the bytes read, before parsing (N2); only named fields are taken,
// none that reaches a prototype, none twice unless it is a list (N5, A4). What cannot be read is answered here, once for all.
import type { Context } from 'hono';
import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import type { WebDeps, WebEnv } from './deps.ts';
import { refusedPage, tooLarge } from './respond.tsx';

/** Caps in bytes (SECURITY.md G5). */
export const FORM_BYTES = 64 * 1024;
export const BUNDLE_BYTES = 10 * 1024 * 1024;
const FIELDS = 1000;

/** A form's fields by name. */
type Form = ReadonlyMap<string, readonly string[]>;

/** Which fields a form may hold: `one` at most once, `many` any number of times. Anything else in it is refused. */
interface FieldNames {
  readonly one?: readonly string[];
  readonly many?: readonly string[];
}

/** The fields of a form that was taken. One that was not sent reads as empty. */
interface Fields {
  get(name: string): string;
  has(name: string): boolean;
  all(name: string): readonly string[];
  /** What was sent, the first of each field. */
  readonly sent: Readonly<Record<string, string>>;
}

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

/** The named fields of the form that was sent, or the answer to one that is too long, cannot be read or holds others. */
export async function fieldsSent(
  c: Context<WebEnv>,
  deps: WebDeps,
  names: FieldNames,
): Promise<Fields | Response> {
  const form = await readForm(c);
  if (form === 'too-large') return await tooLarge(c, deps);
  const fields = isRefusal(form) ? form : takeFields(form, names);
  return isRefusal(fields) ? await refusedPage(c, deps, fields) : fields;
}

async function readForm(c: Context<WebEnv>): Promise<Form | Refusal | 'too-large'> {
  const type = (c.req.header('content-type') ?? '').split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/x-www-form-urlencoded') return refuse('malformed');
  const bytes = await readBody(c, FORM_BYTES);
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

function takeFields(form: Form, { one = [], many = [] }: FieldNames): Fields | Refusal {
  for (const [name, values] of form) {
    if (many.includes(name)) continue;
    if (!one.includes(name) || values.length > 1)
      return refuse('malformed', { fields: [{ field: name.slice(0, 60), fault: 'unknownField' }] });
  }
  return {
    get: (name) => form.get(name)?.[0] ?? '',
    has: (name) => form.has(name),
    all: (name) => form.get(name) ?? [],
    sent: Object.fromEntries([...form].map(([name, values]) => [name, values[0] ?? ''])),
  };
}
