// Station 1, web: files as a form sends them. Caps apply to the bytes read, before parsing (N2); only the named fields are taken.
import type { Context } from 'hono';
import { type Refusal, refuse } from '../domain/refusal.ts';
import type { WebEnv } from './deps.ts';
import { BUNDLE_BYTES, readBody } from './form.ts';

/** Bytes around the files of a multipart form: boundaries, names, the pasted text's field. */
const MULTIPART_MARGIN = 64 * 1024;
/** Most files of one form. */
const MAX_FILES = 20;

/** The files of a multipart form, and the pasted text as one more. Caps apply to the bytes read, before parsing (N2). */
export async function filesOf(
  c: Context<WebEnv>,
): Promise<{ name: string; bytes: Uint8Array }[] | Refusal | 'too-large'> {
  const type = c.req.header('content-type') ?? '';
  if (!/^multipart\/form-data;/i.test(type)) return refuse('malformed');
  const body = await readBody(c, BUNDLE_BYTES + MULTIPART_MARGIN);
  if (body === 'too-large') return body;
  let form: FormData;
  try {
    form = await new Response(new Uint8Array(body), { headers: { 'content-type': type } }).formData();
  } catch {
    return refuse('malformed');
  }
  const files: { name: string; bytes: Uint8Array }[] = [];
  for (const [name, value] of form) {
    if (name === 'file' && typeof value !== 'string') {
      if (value.size > 0)
        files.push({ name: value.name.slice(0, 200), bytes: new Uint8Array(await value.arrayBuffer()) });
    } else if (name === 'text' && typeof value === 'string') {
      if (value.trim() !== '') files.push({ name: '', bytes: new TextEncoder().encode(value) });
    } else return refuse('malformed', { fields: [{ field: name.slice(0, 60), fault: 'unknownField' }] });
  }
  return files.length > MAX_FILES ? ('too-large' as const) : files;
}
