// Station 1 and 3, the operation key: one act, whatever is repeated. It stands in the rendered form, is the Temporal
// Update id and the unique key of the transaction. Bound by HMAC to person, action and target, so that nobody can
// use a key that was rendered for somebody or something else. Pure: HMAC and random bytes come as arguments.

/** HMAC-SHA-256 under the processes' shared operation secret, as base64url. */
export type KeyedHash = (text: string) => string;

/** What a key was made for. `target` is the task's id, the case's id, or `new` for an application. */
export interface KeyBinding {
  readonly person: string;
  readonly action: string;
  readonly target: string;
}

const mark = (keyed: KeyedHash, nonce: string, to: KeyBinding): string =>
  keyed(['operation', nonce, to.person, to.action, to.target].join('\n')).slice(0, 22);

/** A key from a nonce of 16 random bytes in base64url. */
export const makeOperationKey = (keyed: KeyedHash, nonce: string, to: KeyBinding): string =>
  `${nonce}.${mark(keyed, nonce, to)}`;

/** True when the text has the form of a key at all. */
export const isOperationKey = (text: string): boolean => /^[\w-]{22}\.[\w-]{22}$/.test(text);

/** True when the key was made for this person, action and target. */
export function keyBelongs(keyed: KeyedHash, key: string, to: KeyBinding): boolean {
  if (!isOperationKey(key)) return false;
  const [nonce, given] = key.split('.') as [string, string];
  const wanted = mark(keyed, nonce, to);
  let difference = 0;
  for (let i = 0; i < wanted.length; i++) difference |= wanted.charCodeAt(i) ^ given.charCodeAt(i);
  return difference === 0;
}

/** The context under which an act's values are sealed: they cannot be moved to another case, action or operation. */
export const sealContext = (caseId: string, action: string, key: string): string =>
  `${caseId}|${action}|${key}`;

/** The context under which what was signed is sealed beside the values. */
export const signedContext = (caseId: string, action: string, key: string): string =>
  `${sealContext(caseId, action, key)}|signed`;

/** The context under which a statement lies in its row. */
export const statementContext = (caseId: string, key: string): string => `statement|${caseId}|${key}`;
