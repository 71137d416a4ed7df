import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { ConsulClient } from '../../../../src/registry/consul/client.js';
import type { ConsulError } from '../../../../src/registry/consul/error.js';

let server: Server | undefined;

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** A client of a Consul that answers everything in this way. */
async function consulThat(answers: (response: ServerResponse) => void, timeoutMs = 300): Promise<ConsulClient> {
  const answering = createServer((_request, response) => answers(response));
  server = answering;
  await new Promise<void>((resolve) => answering.listen(0, '127.0.0.1', resolve));
  const { port } = answering.address() as AddressInfo;
  return new ConsulClient({ address: `127.0.0.1:${port}`, token: 'a-secret-token', timeoutMs });
}

function failureOf(client: ConsulClient, signal?: AbortSignal): Promise<ConsulError> {
  return client
    .call((consul, options) => consul.catalog.node.services({ node: 'n', ...options }), signal)
    .then(
      () => expect.fail('expected a failure'),
      (error: unknown) => error as ConsulError,
    );
}

test('however many calls there are at once, Consul has fewer connections than it takes of an address', async () => {
  const client = await consulThat((response) => response.end('{}'), 30_000);
  const open = new Set<object>();
  let most = 0;
  server?.on('connection', (socket) => {
    most = Math.max(most, open.add(socket).size);
    socket.on('close', () => open.delete(socket));
  });
  const call = () => client.call((consul, options) => consul.catalog.node.services({ node: 'n', ...options }));
  await Promise.all(Array.from({ length: 400 }, call));
  expect(most).toBe(64);
  client.close();
});

const transaction = (...whats: string[]): string =>
  JSON.stringify({ Results: null, Errors: whats.map((What, OpIndex) => ({ OpIndex, What })) });

describe('what Consul answers', () => {
  test.each([
    { status: 500, body: 'No cluster leader', kind: 'away' },
    { status: 503, body: 'rpc error: no servers', kind: 'away' },
    { status: 404, body: 'no such thing', kind: 'away' },
    { status: 408, body: 'too slow', kind: 'away' },
    { status: 429, body: 'Your IP is issuing too many concurrent connections', kind: 'away' },
    { status: 401, body: 'Unauthorized', kind: 'misconfigured' },
    { status: 403, body: 'ACL not found', kind: 'misconfigured' },
    { status: 403, body: 'Permission denied: token with AccessorID x lacks permission', kind: 'misconfigured' },
    { status: 400, body: 'Client sent an HTTP request to an HTTPS server.', kind: 'misconfigured' },
    { status: 405, body: 'method PUT not allowed', kind: 'misconfigured' },
    { status: 400, body: 'Missing node name', kind: 'refused' },
    { status: 400, body: 'Invalid service address', kind: 'refused' },
    { status: 413, body: 'Request body too large', kind: 'refused' },
  ])('$status "$body" is $kind', async ({ status, body, kind }) => {
    const client = await consulThat((response) =>
      response.writeHead(status, { 'content-type': 'text/plain' }).end(body),
    );
    const failure = await failureOf(client);
    expect(failure).toMatchObject({ name: 'ConsulError', kind, message: `${status} ${body}` });
  });

  const STALE = 'failed to set node "n", index is stale';
  const DENIED = "Permission denied: anonymous token lacks permission 'service:write'";
  test.each([
    { whats: [STALE], kind: 'stale', message: STALE },
    { whats: [STALE, DENIED], kind: 'misconfigured', message: DENIED },
    { whats: ['Invalid Service Meta for node n: Value is too long'], kind: 'refused' },
    { whats: ['Must provide service name (Service.Service) when service ID is provided'], kind: 'refused' },
  ])('a failed transaction ($whats) is $kind', async ({ whats, kind, message = whats[0] }) => {
    const client = await consulThat((response) =>
      response.writeHead(409, { 'content-type': 'application/json' }).end(transaction(...whats)),
    );
    expect(await failureOf(client)).toMatchObject({ kind, message });
  });

  test('an answer that access rules have emptied is no absence', async () => {
    const client = await consulThat((response) =>
      response
        .writeHead(200, { 'content-type': 'application/json', 'x-consul-results-filtered-by-acls': 'true' })
        .end('null'),
    );
    expect(await failureOf(client)).toMatchObject({
      kind: 'misconfigured',
      message: expect.stringContaining('node:read') as string,
    });
  });

  test('https where Consul speaks http is misconfigured', async () => {
    const { port } = new URL((await consulThat((response) => response.end())).url);
    const client = new ConsulClient({ address: `https://127.0.0.1:${port}`, timeoutMs: 1_000 });
    expect(await failureOf(client)).toMatchObject({ kind: 'misconfigured' });
  });

  test('no answer is a failure of its own, in time', async () => {
    const client = await consulThat(() => undefined);
    expect(await failureOf(client)).toMatchObject({
      kind: 'away',
      message: expect.stringContaining('timed out (300ms)') as string,
    });
  });

  test('a failure carries no token', async () => {
    const client = await consulThat((response) => response.writeHead(500).end());
    const failure = await failureOf(client);
    expect(JSON.stringify(failure, Object.getOwnPropertyNames(failure))).not.toContain('a-secret-token');
    expect(failure.cause).toBeUndefined();
  });

  test('a call that is cancelled ends at once with the reason of the cancellation', async () => {
    const client = await consulThat(() => undefined);
    const controller = new AbortController();
    const failure = failureOf(client, controller.signal);
    const reason = new Error('superseded');
    controller.abort(reason);
    expect(await failure).toBe(reason);
  });
});
