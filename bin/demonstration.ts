// Composition: where a demonstration may be: invented people to sign in as, and members that approve by themselves, exist on loopback
// alone (SECURITY.md I9). Elsewhere the process says so in one sentence and does not start.
import { isLoopback } from '../engines/postgres.ts';
import { SettingRefused, type Settings } from './config.ts';

/**
 * Holds every address by which people or members reach the web against loopback.
 * @throws {SettingRefused} when one of them is somewhere else
 */
export function demandLoopback(
  settings: Pick<Settings, 'REHAB_HOST' | 'REHAB_PUBLIC_URL' | 'REHAB_LOG_URL'>,
): void {
  const { REHAB_HOST, REHAB_PUBLIC_URL, REHAB_LOG_URL } = settings;
  const named = [REHAB_PUBLIC_URL, REHAB_LOG_URL].flatMap((url) => (url ? [new URL(url).hostname] : []));
  if (![REHAB_HOST, ...named].every(isLoopback))
    throw new SettingRefused(
      'a demonstration exists only on loopback; set REHAB_MODE=real, or REHAB_HOST, REHAB_PUBLIC_URL and REHAB_LOG_URL to 127.0.0.1',
    );
}
