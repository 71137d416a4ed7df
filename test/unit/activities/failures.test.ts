import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { REFUSED, UNAVAILABLE, type EffectRequest } from '../../../activities/api.js';
import { consulRegister } from '../../../activities/consul-register.js';
import { cut } from '../../../activities/cut.js';
import { Catalog } from '../../../src/registry/consul/catalog.js';

/** A proxy before Consul: answers everything with a page. */
const PAGE = `<!DOCTYPE html>\n<html>\n  <body>${'<p>Forbidden by policy 🚫</p>\n'.repeat(2_000)}</body></html>`;
let proxy: Server;
let status = 403;
let catalog: Catalog;
beforeAll(async () => {
  proxy = createServer((_, response) => response.writeHead(status, { 'content-type': 'text/html' }).end(PAGE));
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  catalog = new Catalog({ address: `127.0.0.1:${(proxy.address() as AddressInfo).port}` });
});
afterAll(() => {
  catalog.close();
  proxy.closeAllConnections();
  proxy.close();
});

const node_id = `n${'-long'.repeat(25)}`;
const request: EffectRequest = {
  node_id,
  attempt: 7,
  confirmation: 'consul.registered',
  intent: {
    intent_type: 'extension',
    target: `consul://service/onex-effect-${node_id}`,
    payload: {
      intent_type: 'consul.register',
      correlation_id: 'c-1',
      service_id: `onex-effect-${node_id}`,
      service_name: 'onex-effect',
      tags: [],
      node_id,
      node_type: 'effect',
      node_version: '1.0.0',
      endpoints: {},
    },
  },
};

const failure = (changed: EffectRequest = request): Promise<ApplicationFailure> =>
  new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') }).run(consulRegister(catalog), changed).then(
    () => expect.fail('it succeeded'),
    (error: unknown) => error as ApplicationFailure,
  );

describe.each([
  [403, REFUSED],
  [502, UNAVAILABLE],
])('a backend that answers %i with a page', (code, type) => {
  it('fails in a text that fits wherever it is published, with what to do and to which intent', async () => {
    status = code;
    const { message, cause, ...failed } = await failure();
    expect(failed).toMatchObject({ type });
    expect(message.length).toBeLessThanOrEqual(1_000);
    expect(message).toContain(`register node ${node_id} (${request.intent.target}), registration attempt 7`);
    expect(message).toContain('Forbidden by policy');
    expect(message).toMatch(type === REFUSED ? /registrar retry n(-long)+$/ : /this was try 1\)$/);
    // The workflow publishes the innermost message, and the history keeps all of them.
    expect(cause?.message.length).toBeLessThanOrEqual(1_000);
    expect(cause?.stack?.length).toBeLessThan(5_000);
  });
});

it('an intent for another node than its request is refused before the backend is called', async () => {
  const payload = { ...request.intent.payload, node_id: 'other' };
  expect(await failure({ ...request, intent: { ...request.intent, payload } })).toMatchObject({
    type: REFUSED,
    message: expect.stringMatching(/^Cannot register .* names another node than its request/) as string,
  });
});

describe('cut', () => {
  it.each([
    ['short', 10, 'short'],
    ['two\n\tlines', 20, 'two lines'],
    ['0123456789', 10, '0123456789'],
    ['0123456789a', 10, '012345678…'],
    ['12345678🚫9', 10, '12345678…'],
    ['half \ud83d pair', 20, 'half \ufffd pair'],
    ['a\u0000b', 10, 'a b'],
  ])('%j to %i is %j', (text, longest, expected) => {
    expect(cut(text, longest)).toBe(expected);
  });
});
