// Test support: where the real input lies that nobody here wrote. It stands beside the checkout and may be
// absent for a user; then tests that need it are skipped aloud, and fail where CI demands it.
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../../../shared/data');

/** True when the folder of real input stands beside the checkout. */
export const hasSharedData = existsSync(root);
if (!hasSharedData && process.env.CI) throw new Error(`shared data missing: CI needs ${root}`);
if (!hasSharedData) console.info('not run here: tests that need ../shared/data, which is absent');

/** Path of a file in the folder of real input. */
export const sharedData = (...segments: string[]): string => join(root, ...segments);
