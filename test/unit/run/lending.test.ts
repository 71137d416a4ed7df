import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { once } from 'node:events';
import { afterEach, expect, it } from 'vitest';
import { borrow, lend, type Lending } from '../../run/lending.js';

let lending: Lending<string> | undefined;
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await lending?.close();
});

/** As another process does it: what it is sent, and how it ends. */
function borrower(port: number): { readonly sent: Promise<unknown>; readonly socket: Socket } {
  const socket = connect(port, '127.0.0.1');
  sockets.push(socket);
  const sent = once(createInterface(socket), 'line').then(([line]) => JSON.parse(line as string) as unknown);
  return { sent, socket };
}

it('makes one for each who needs one at once, and no more than there may be: the next waits for one to end', async () => {
  const made: number[] = [];
  lending = await lend(
    2,
    (number) => Promise.resolve(`servers ${(made.push(number), number)}`),
    (thing) => ({ thing }),
  );
  const [one, two] = [borrower(lending.port), borrower(lending.port)];
  expect(await Promise.all([one.sent, two.sent])).toEqual([
    { lent: { thing: 'servers 1' } },
    { lent: { thing: 'servers 2' } },
  ]);
  const third = borrower(lending.port);
  two.socket.destroy();
  expect(await third.sent).toEqual({ lent: { thing: 'servers 2' } });
  one.socket.destroy();
  expect(await borrower(lending.port).sent).toEqual({ lent: { thing: 'servers 1' } });
  expect(made).toEqual([1, 2]);
});

it('says why one could not be made', async () => {
  lending = await lend(
    1,
    () => Promise.reject(new Error('no Java')),
    (thing: string) => thing,
  );
  await expect(borrow(lending.port)).rejects.toThrow('no Java');
});

it('lends to this process until it ends', async () => {
  lending = await lend(
    1,
    () => Promise.resolve('servers'),
    (thing) => ({ thing }),
  );
  expect(await borrow(lending.port)).toEqual({ thing: 'servers' });
});
