// Engines: how a long step tells the person what is happening. One finished sentence per call, no patient
// data, nothing a program needs to read: results go to standard output, progress never does.

/** Receives one line of progress, without a line end. */
export type Progress = (line: string) => void;

/** Writes each line to standard error: the default wherever a person watches. */
export const progressToStderr: Progress = (line) => {
  process.stderr.write(`${line}\n`);
};

/** Says nothing: for tests and for reading of states. */
export const silent: Progress = () => {};
