import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

/**
 * Lends things of which a process needs one for itself while it runs. A process borrows by connecting, and gives back
 * by ending, however it ends. (Vitest's own numbers of workers will not do: where one group of projects follows
 * another, two files that run beside each other can have the same number.)
 */
export interface Lending<Thing> {
  readonly port: number;
  /** Ends the lending; answers what was made, and why others could not be made. */
  close(): Promise<PromiseSettledResult<Thing>[]>;
}

type Answer = { readonly lent: unknown } | { readonly failed: string };

/**
 * @param most how many things there may be: who comes when all of them are lent waits
 * @param make makes a thing, by its number from 1, when somebody needs one and none is free; never two at once
 * @param show what a borrower is sent of a thing, as JSON
 */
export async function lend<Thing>(
  most: number,
  make: (number: number) => Promise<Thing>,
  show: (thing: Thing) => unknown,
): Promise<Lending<Thing>> {
  const things: { readonly made: Promise<Thing> }[] = [];
  const free: typeof things = [];
  const waiting: ((thing: (typeof things)[number]) => void)[] = [];
  const sockets = new Set<Socket>();

  function takeOne(): Promise<(typeof things)[number]> {
    const one = free.shift();
    if (one !== undefined) return Promise.resolve(one);
    if (things.length >= most) return new Promise((resolve) => waiting.push(resolve));
    const number = things.length + 1;
    // One after the other: all at once, the first would be ready as late as the last.
    const before = things.at(-1)?.made.catch(() => undefined) ?? Promise.resolve();
    const added = { made: before.then(() => make(number)) };
    things.push(added);
    return Promise.resolve(added);
  }

  async function serve(socket: Socket): Promise<void> {
    sockets.add(socket.resume());
    const gone = new Promise((resolve) => socket.once('close', resolve));
    // Whoever was killed resets the connection; `close` follows.
    socket.on('error', () => undefined);
    const one = await takeOne();
    const answer: Answer = await one.made.then(
      (thing) => ({ lent: show(thing) }),
      (error: unknown) => ({ failed: String(error) }),
    );
    if (!socket.destroyed) socket.write(`${JSON.stringify(answer)}\n`);
    await gone;
    sockets.delete(socket);
    const next = waiting.shift();
    if (next === undefined) free.push(one);
    else next(one);
  }

  const desk = createServer((socket) => void serve(socket));
  desk.listen(0, '127.0.0.1');
  await once(desk, 'listening');
  return {
    port: (desk.address() as AddressInfo).port,
    close() {
      desk.close();
      for (const socket of sockets) socket.destroy();
      return Promise.allSettled(things.map(({ made }) => made));
    },
  };
}

/**
 * Borrows a thing until this process ends.
 *
 * @param port where it is lent
 * @returns what is shown of it
 * @throws Error when it could not be made, or nobody lends
 */
export async function borrow(port: number): Promise<unknown> {
  const socket = connect(port, '127.0.0.1');
  const lines = createInterface(socket);
  const line = await Promise.race([
    once(lines, 'line') as Promise<[string]>,
    once(socket, 'close').then(() => expectLent()),
  ]);
  const answer = JSON.parse(line[0]) as Answer;
  // The connection stays as long as the process, and does not keep it.
  socket.unref();
  if ('failed' in answer) throw new Error(answer.failed);
  return answer.lent;
}

function expectLent(): never {
  throw new Error('the lending was ended before anything was lent');
}
