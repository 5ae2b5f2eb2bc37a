// Composition: operational logs, one JSON line per event whatever the input. No patient data: faults are logged by
// class, code and place, never with the message of a database or a form (SECURITY.md U6).
import { type Logger, pino } from 'pino';

/** A logger for one process. */
export const processLog = (name: string, level: string): Logger =>
  pino({
    name,
    level,
    base: { pid: process.pid },
    redact: {
      paths: [
        '*.name',
        '*.patientName',
        '*.birthDate',
        '*.reason',
        '*.note',
        '*.findings',
        '*.answer',
        '*.sealed',
        '*.cookie',
        '*.authorization',
      ],
      censor: '[kept back]',
    },
  });

/** What may be said of a fault: its class, its code, and where it arose; a message only when it is our own. */
export function faultFacts(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { fault: typeof error };
  const { code, routine, constraint_name } = error as {
    code?: unknown;
    routine?: unknown;
    constraint_name?: unknown;
  };
  const stack = error.stack
    ?.split('\n')
    .slice(1, 6)
    .map((line) => line.trim().replace(/^at /, ''));
  const ours =
    error.name === 'KeyMissing' ||
    error.name === 'TamperError' ||
    error.name === 'EngineTrouble' ||
    error.name === 'SettingRefused';
  return {
    fault: error.name,
    code,
    routine,
    constraint: constraint_name,
    ...(ours ? { message: error.message } : {}),
    at: stack,
    ...(error.cause ? { cause: faultFacts(error.cause) } : {}),
  };
}
