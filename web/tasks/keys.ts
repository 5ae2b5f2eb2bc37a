// Station 1, web: the operation keys of claims. Each stands in the form that was rendered for one person and one task, and a
// key that was made for anybody or anything else is refused and recorded. Makes no key for a decision: web/acting.tsx does.
import { randomBytes, randomUUID } from 'node:crypto';
import { keyBelongs, makeOperationKey } from '../../domain/operation-key.ts';
import { type Refusal, refuse } from '../../domain/refusal.ts';
import type { WebDeps } from '../deps.ts';
import { type Asking, recordRefusal } from '../recorded.ts';

export type ClaimAction = 'task.claim' | 'task.hand-back';

/** Target of the form that takes the next task, whichever that is. */
export const NEXT = 'next';

/** A key for the form that is being rendered. `target` is the task's id, or `NEXT`. */
export const claimKey = (deps: WebDeps, person: string, action: ClaimAction, target: string): string =>
  makeOperationKey(deps.keyed, randomBytes(16).toString('base64url'), { person, action, target });

/** Undefined when the key is this person's for this act; otherwise the refusal, recorded. */
export async function claimKeyRefusal(
  deps: WebDeps,
  asking: Asking,
  action: ClaimAction,
  target: string,
  key: string,
): Promise<Refusal | undefined> {
  if (keyBelongs(deps.keyed, key, { person: asking.person, action, target })) return undefined;
  const refusal = refuse('key-unbound');
  await recordRefusal(
    deps.recorder,
    `refusal-${randomUUID()}`,
    asking,
    action,
    refusal,
    target === NEXT ? {} : { taskId: target },
  );
  return refusal;
}
