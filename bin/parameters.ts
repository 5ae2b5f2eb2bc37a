// Composition: the parameters in force, with the lengths that a test or a demonstration sets instead.
import type { DueAfter } from '../domain/case-clocks.ts';
import {
  DEFAULT_PARAMETERS,
  dueAfterOf,
  type Parameters,
  parameterOverrides,
  withOverrides,
} from '../domain/parameters.ts';
import { SettingRefused, type Settings } from './config.ts';

export interface ParametersInForce {
  readonly set: Parameters;
  readonly version: string;
  readonly dueAfter: DueAfter;
}

/** @throws SettingRefused when the overrides cannot be read */
export function parametersOf(settings: Pick<Settings, 'REHAB_PARAMETERS'>): ParametersInForce {
  let set = DEFAULT_PARAMETERS;
  if (settings.REHAB_PARAMETERS) {
    let overrides: unknown;
    try {
      overrides = JSON.parse(settings.REHAB_PARAMETERS);
    } catch {
      throw new SettingRefused('setting REHAB_PARAMETERS cannot be used: it is not JSON');
    }
    const read = parameterOverrides.safeParse(overrides);
    if (!read.success)
      throw new SettingRefused(
        `setting REHAB_PARAMETERS cannot be used: ${read.error.issues[0]?.path.join('.')}: ${read.error.issues[0]?.message}`,
      );
    set = withOverrides(set, read.data);
  }
  return { set, version: set.version, dueAfter: dueAfterOf(set) };
}
