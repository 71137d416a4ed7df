import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RegistrarProcess, withoutServers } from '../../../integration/cli-process.js';

/** Takes connections and never says a word. */
const silent = createServer();
beforeAll(() => new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve)));
afterAll(() => silent.close());

describe('one SIGTERM', () => {
  it.each([
    // It connects and bundles the workflows at the same time.
    ['worker', 'TEMPORAL_ADDRESS'],
    ['bridge', 'TEMPORAL_ADDRESS'],
  ])('ends a %s that is still starting', async (role, server) => {
    const nowhere = '127.0.0.1:1';
    const process = new RegistrarProcess([role], {
      ...withoutServers(),
      TEMPORAL_ADDRESS: nowhere,
      KAFKA_BROKERS: nowhere,
      CONSUL_HTTP_ADDR: `http://${nowhere}`,
      DATABASE_URL: `postgresql://registrar@${nowhere}/registrar`,
      [server]: `127.0.0.1:${(silent.address() as AddressInfo).port}`,
    });
    await once(silent, 'connection');
    process.kill('SIGTERM');
    const end = await Promise.race([
      process.ends(),
      new Promise<'still runs'>((resolve) => setTimeout(resolve, 10_000, 'still runs')),
    ]);
    process.kill('SIGKILL');
    expect(end).toMatchObject({ code: 0, signal: null });
  });
});
