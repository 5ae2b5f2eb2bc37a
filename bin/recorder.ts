// Composition: what `recorded()` needs of a process, put together once for all that write: web, worker, the commands that add people,
// and the bench. Under whose database role it writes is the caller's.
import type { Sql } from '../db/connection.ts';
import type { Recorder } from '../ledger/recorded.ts';
import { type Machine, processBundle, renewedSigner } from './machine.ts';
import { parametersOf } from './parameters.ts';

/**
 * The recorder of a process over its connection; its signer is the service's as its files say at each act.
 * @throws SettingRefused when the parameters cannot be read
 */
export function recorderOf(machine: Machine, sql: Sql, more: Pick<Recorder, 'afterCommit'> = {}): Recorder {
  const signer = renewedSigner(machine);
  return {
    ...more,
    sql,
    keys: machine.secrets.keys,
    get signer() {
      return signer();
    },
    bundle: processBundle(),
    parameters: parametersOf(machine.settings).version,
    now: () => new Date(),
  };
}
