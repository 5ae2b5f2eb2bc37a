// Test support: a process whose clock can be stepped while it runs. Preloaded with `--import`; every 50 ms it reads how many
// milliseconds its own clock is off from a file. Node's clock only: Postgres, Temporal and Fabric keep the true one.
import { readFileSync } from 'node:fs';

const path = process.env.REHAB_TEST_CLOCK;
const TrueDate = Date;
let off = 0;
const read = () => {
  try {
    off = Number(readFileSync(path, 'utf8')) || 0;
  } catch {
    off = 0;
  }
};
read();
setInterval(read, 50).unref();

globalThis.Date = class extends TrueDate {
  constructor(...args) {
    if (args.length === 0) super(TrueDate.now() + off);
    else super(...args);
  }
  static now() {
    return TrueDate.now() + off;
  }
};
