// Composition: verification runs for the auditor's page, in a process of their own (`rehab verify`), so that the web stays
// quick and the verifier trusts nothing the web holds.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { VerifyReport } from '../ledger/verify.ts';
import type { Verifying } from '../web/audit/verifying.ts';
import type { Machine } from './machine.ts';

/** A run's report may be long; more than this is not read. */
const REPORT_BYTES = 64 * 1024 * 1024;

export function createVerifying(machine: Pick<Machine, 'dataDir'>): Verifying {
  let running = false;
  let startedAt: string | null = null;
  let report: VerifyReport | null = null;
  let failed = false;
  return {
    start() {
      if (running) return;
      running = true;
      failed = false;
      startedAt = new Date().toISOString();
      const child = spawn(
        process.execPath,
        [
          fileURLToPath(new URL('./rehab.mjs', import.meta.url)),
          'verify',
          '--json',
          '--data',
          machine.dataDir,
        ],
        { stdio: ['ignore', 'pipe', 'ignore'] },
      );
      let text = '';
      child.stdout.setEncoding('utf8').on('data', (part: string) => {
        if (text.length < REPORT_BYTES) text += part;
      });
      child.on('error', () => {
        running = false;
        failed = true;
      });
      child.on('close', () => {
        running = false;
        try {
          report = JSON.parse(text) as VerifyReport;
        } catch {
          failed = true;
        }
      });
    },
    state: () => ({ running, startedAt, report, failed }),
  };
}
