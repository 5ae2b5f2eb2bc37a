// Composition: operational logs, one JSON line per event whatever the input. No patient data: faults are logged by
// class, code and place, never with the message of a database or a form (SECURITY.md U6).
import { destination, type Logger, pino } from 'pino';

/** What is kept in memory of a log that cannot be written; later lines are dropped. */
const LOG_WAITS_BYTES = 2 ** 20;

/** Standard output, whose trouble (a full disk) ends nobody: lines wait for space, and then come in their order. */
function standardOutput(): ReturnType<typeof destination> {
  const out = destination({ dest: 1, sync: true, maxLength: LOG_WAITS_BYTES });
  out.on('error', () => undefined);
  return out;
}

/** A logger for one process. */
export const processLog = (name: string, level: string): Logger =>
  pino(
    {
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
    },
    standardOutput(),
  );

/** A line of a stack that names a place in a file, and nothing else. */
const PLACE = /^\s+at (?:async |new )*[\w$.<>[\] ]*\(?(?:file:|node:|\/|[A-Za-z]:\\|<anonymous>|native)/;

/** What may be said of a fault: its class, its code, and where it arose; a message only when it is our own. */
export function faultFacts(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { fault: typeof error };
  const { code, routine, constraint_name } = error as {
    code?: unknown;
    routine?: unknown;
    constraint_name?: unknown;
  };
  // A stack begins with the message, which may have many lines and hold what a person typed: only what follows is a place.
  const text = error.stack ?? '';
  const said = text.indexOf(error.message);
  const stack = text
    .slice(said < 0 ? 0 : said + error.message.length)
    .split('\n')
    .filter((line) => PLACE.test(line))
    .slice(0, 5)
    .map((line) => line.trim().slice(3));
  const ours =
    error.name === 'KeyMissing' ||
    error.name === 'CertificateEnded' ||
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
