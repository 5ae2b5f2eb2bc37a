// Test support: a TCP proxy of our own between a process and what it talks to. One chosen message fails before it arrives, or
// arrives and its answer is lost; or whoever sent it is killed at that point. Everything else passes untouched.
import { type AddressInfo, createServer, connect as dial, type Server, type Socket } from 'node:net';

/** What happens to the message that was chosen. `stored` is true when it arrived and only its answer is lost. */
export interface Break {
  /** Whether this is the message: what the client sent, and what it sent first on that connection. */
  readonly chosen: (sent: Buffer, opening: Buffer) => boolean;
  readonly stored: boolean;
  /** Called at the point of failure, before the connection ends: where a process is killed. */
  readonly strike?: () => void | Promise<void>;
}

export interface TestProxy {
  readonly port: number;
  /** Where it leads; nobody is let in before it is known. */
  to(port: number): void;
  /** Fails the next message that is chosen, once. Resolves when it has happened. */
  breakNext(how: Break): Promise<void>;
  /** Ends the connections whose opening fits, so that their client begins anew. */
  cut(fits: (opening: Buffer) => boolean): void;
  /** While mute, what is sent arrives and every answer is swallowed; afterwards those connections end. */
  mute(isMute: boolean): void;
  /** While away, nobody is let in and all connections are ended. */
  away(isAway: boolean): void;
  close(): Promise<void>;
}

interface Line {
  readonly client: Socket;
  readonly server: Socket;
  opening: Buffer | undefined;
}

/** Listens on 127.0.0.1, and passes on to a port there. */
export async function startProxy(): Promise<TestProxy> {
  let target: number | undefined;
  const lines = new Set<Line>();
  let waiting: (Break & { readonly happened: () => void }) | undefined;
  let isAway = false;
  let isMute = false;

  const end = (line: Line): void => {
    lines.delete(line);
    line.client.destroy();
    line.server.destroy();
  };

  const server: Server = createServer((client) => {
    if (isAway || target === undefined) return void client.destroy();
    const line: Line = { client, server: dial(target, '127.0.0.1'), opening: undefined };
    lines.add(line);
    for (const socket of [line.client, line.server]) {
      socket.setNoDelay(true);
      socket.on('error', () => end(line));
      socket.on('close', () => end(line));
    }
    let muted = false;
    client.on('data', (sent: Buffer) => {
      line.opening ??= sent;
      const how = waiting;
      if (!how?.chosen(sent, line.opening)) return void line.server.write(sent);
      waiting = undefined;
      const fail = async (): Promise<void> => {
        await how.strike?.();
        end(line);
        how.happened();
      };
      if (!how.stored) return void fail();
      // The answer says that it was done there; nobody here hears of it.
      muted = true;
      line.server.once('data', () => void fail());
      line.server.write(sent);
    });
    line.server.on('data', (answer: Buffer) => {
      if (!muted && !isMute) client.write(answer);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  return {
    port: (server.address() as AddressInfo).port,
    to(port) {
      target = port;
    },
    breakNext: (how) =>
      new Promise((happened) => {
        waiting = { ...how, happened };
      }),
    cut(fits) {
      for (const line of lines) if (line.opening && fits(line.opening)) end(line);
    },
    mute(now) {
      isMute = now;
      if (!now) for (const line of lines) end(line);
    },
    away(now) {
      isAway = now;
      if (now) for (const line of lines) end(line);
    },
    async close() {
      for (const line of lines) end(line);
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
