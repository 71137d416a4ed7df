import { afterEach, beforeEach, expect, it } from 'vitest';
import { serveMetrics, type MetricsServer } from '../../src/metrics.js';

let server: MetricsServer;
let notReady: () => Promise<string | null> | string | null = () => null;
beforeEach(async () => {
  const options = { address: '127.0.0.1:0', variable: 'REGISTRAR_BRIDGE_METRICS', read: [] };
  server = await serveMetrics({ ...options, notReady: () => notReady() });
});
afterEach(() => server.close());

const ask = async (path: string): Promise<[number, string]> => {
  const response = await fetch(`http://${server.address}${path}`);
  return [response.status, await response.text()];
};

it('a process that does its work is live and ready', async () => {
  notReady = () => Promise.resolve(null);
  expect(await ask('/livez')).toEqual([200, 'live\n']);
  expect(await ask('/readyz')).toEqual([200, 'ready\n']);
});

it('a process that does not do its work says why, and is live: no restart would help it', async () => {
  notReady = () => 'Temporal does not answer';
  expect(await ask('/readyz')).toEqual([503, 'not ready: Temporal does not answer\n']);
  expect(await ask('/livez')).toEqual([200, 'live\n']);
});

it('a process whose state cannot be read is not ready', async () => {
  notReady = () => Promise.reject(new Error('nobody knows'));
  expect(await ask('/readyz')).toEqual([500, 'Error: nobody knows\n']);
});
