import { once } from 'node:events';
import { createServer, type Http2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { Connection } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { connectTemporal, temporalOptions } from '../../../src/cli/connect.js';
import { prepareServer } from '../../../src/cli/setup/prepare-servers.js';
import { loadConfig, type Config } from '../../../src/config/index.js';
import { loadContracts } from '../../../src/contracts/load.js';
import { temporal as embedded } from '../../../src/stack/servers/temporal.js';
import { openWorker } from '../../../src/worker.js';
import { errorsOnlyRuntime } from '../../run/errors-only-runtime.js';

/** The calls that a Temporal was asked, each with the header that the environment has set. */
let calls: (readonly [string, unknown])[] = [];
let server: Http2Server;
let config: Config;

beforeAll(async () => {
  errorsOnlyRuntime();
  server = createServer().listen(0, '127.0.0.1');
  server.on('stream', (stream, headers) => {
    calls.push([String(headers[':path']).split('/').at(-1) ?? '', headers['x-tenant-id']]);
    // An empty message of gRPC is an answer to every question here.
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.end(Buffer.alloc(5));
  });
  await once(server, 'listening');
  const nowhere = '127.0.0.1:1';
  config = loadConfig({
    TEMPORAL_ADDRESS: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    TEMPORAL_GRPC_META_X_TENANT_ID: 'orders',
    KAFKA_BROKERS: nowhere,
    CONSUL_HTTP_ADDR: nowhere,
    DATABASE_URL: `postgresql://${nowhere}/registrar`,
  });
});
beforeEach(() => {
  calls = [];
});
afterAll(() => {
  vi.restoreAllMocks();
  server.close();
});

it.each([
  ['a command', 'GetSystemInfo', async () => (await connectTemporal(config)).close()],
  [
    'bridge and page',
    'DescribeNamespace',
    async () => {
      const connection = Connection.lazy(temporalOptions(config));
      await connection.workflowService.describeNamespace({ namespace: 'orders' });
      await connection.close();
    },
  ],
  ['a probe', 'DescribeNamespace', () => embedded.probe({ ...ADDRESSES, temporal: config.temporal.address }, config)],
  [
    'setup',
    'AddSearchAttributes',
    // The schedule by which a namespace is claimed is not made by an empty answer.
    () => prepareServer('temporal', config, loadContracts(), () => undefined).catch(() => undefined),
  ],
  [
    'a worker',
    'GetSystemInfo',
    async () => {
      const enough = new Error('it is connected');
      vi.spyOn(Worker, 'create').mockRejectedValue(enough);
      await expect(openWorker(config, { bundle: { code: '' } })).rejects.toBe(enough);
    },
  ],
])('%s sends the headers of the environment with each call', async (_, call, connect) => {
  await connect();
  expect(calls.map(([name]) => name)).toContain(call);
  expect(new Set(calls.map(([, header]) => header))).toEqual(new Set(['orders']));
});

const ADDRESSES = { kafka: [], consul: '', postgres: '' };
