import { createServer, type AddressInfo } from 'node:net';
import { Connection } from '@temporalio/client';
import { describe, expect, it } from 'vitest';
import { retriedCalls } from '../../../src/runs/retried-calls.js';
import { grpcErrorOf } from '../../../src/runs/temporal-errors.js';

/** An address at which nobody listens. */
async function nowhere(): Promise<string> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return `127.0.0.1:${port}`;
}

describe('a call to a Temporal that is away', () => {
  it('says why, before its time is up', async () => {
    const connection = Connection.lazy({ address: await nowhere(), interceptors: retriedCalls });
    const failure: unknown = await connection
      .withDeadline(Date.now() + 5_000, () => connection.workflowService.getSystemInfo({}))
      .catch((error: unknown) => error);
    expect(grpcErrorOf(failure)).toMatchObject({
      code: 14,
      details: expect.stringContaining('ECONNREFUSED') as string,
    });
    await connection.close();
  });
});
