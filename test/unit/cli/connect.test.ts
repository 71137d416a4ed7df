import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { Connection, ScheduleClient } from '@temporalio/client';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { withConsul, withTemporal } from '../../../src/cli/connect.js';
import { CliError, EXIT } from '../../../src/cli/terminal/exit-codes.js';
import { loadConfig } from '../../../src/config/index.js';
import { stderrOf } from './terminal/stderr.js';

afterEach(() => {
  vi.restoreAllMocks();
});

/** What comes of work that Temporal was asked for, and that ends so. */
async function endOf(error: Error): Promise<unknown> {
  const connection = {
    withDeadline: (_: number, work: () => Promise<unknown>) => work(),
    close: () => Promise.resolve(),
  } as unknown as Connection;
  vi.spyOn(Connection, 'connect').mockResolvedValue(connection);
  // No schedule says that the namespace belongs to another installation.
  vi.spyOn(ScheduleClient.prototype, 'list').mockReturnValue((async function* () {})());
  const listener = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const TEMPORAL_ADDRESS = `127.0.0.1:${(listener.address() as AddressInfo).port}`;
  try {
    return await withTemporal(loadConfig({ TEMPORAL_ADDRESS }), () => Promise.reject(error)).catch(
      (reason: unknown) => reason,
    );
  } finally {
    listener.close();
  }
}

const deadline = Object.assign(new Error('4 DEADLINE_EXCEEDED'), { code: 4, details: 'too late', metadata: {} });

it('an answer of Temporal that does not come is said to be that', async () => {
  expect(await endOf(deadline)).toMatchObject({
    message: expect.stringMatching(/^Temporal at 127\.0\.0\.1:\d+ does not answer/) as string,
  });
});

it('what a command has found out itself is said as it is: no worker that answers is not a Temporal that does not', async () => {
  const found = new CliError('Nobody has begun the retry of node node-1 within 20 s.', EXIT.unreachable, {
    hint: 'Does a worker run?',
    cause: deadline,
  });
  expect(await endOf(found)).toBe(found);
});

describe('what is asked of Consul', () => {
  const stderr = stderrOf({ isTTY: true });
  const config = loadConfig({ CONSUL_HTTP_ADDR: '127.0.0.1:8500' });

  it('says on a terminal that it is waited for, where that takes longer than a second', async () => {
    const said = 'waiting for Consul at http://127.0.0.1:8500 … 1 s';
    await withConsul(config, () => vi.waitFor(() => expect(stderr.text()).toContain(said), 10_000));
  });

  it('and names it when it does not answer', async () => {
    const away = withConsul(config, () => Promise.reject(new Error('connect ECONNREFUSED')));
    await expect(away).rejects.toMatchObject({
      message: 'Consul at http://127.0.0.1:8500 does not answer: connect ECONNREFUSED',
      exitCode: EXIT.unreachable,
    });
  });
});
