import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import type { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { REFUSED, UNAVAILABLE, type EffectRequest } from '../../../activities/api.js';
import { consulRegister } from '../../../activities/consul-register.js';
import { oneLine } from '../../../activities/one-line.js';
import { postgresUpsertRegistration } from '../../../activities/postgres-upsert-registration.js';
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
  [413, REFUSED, /registrar retry n(-long)+$/],
  [403, UNAVAILABLE, /Next: check CONSUL_HTTP_TOKEN.*this was try 1\)$/],
  [502, UNAVAILABLE, /this was try 1\)$/],
])('a backend that answers %i with a page', (code, type, next) => {
  it('fails in a text that fits wherever it is published, with what to do and to which intent', async () => {
    status = code;
    const { message, cause, ...failed } = await failure();
    expect(failed).toMatchObject({ type });
    expect(message.length).toBeLessThanOrEqual(1_000);
    expect(message).toContain(`register node ${node_id} (${request.intent.target}), registration attempt 7`);
    expect(message).toContain('Forbidden by policy');
    expect(message).toMatch(next);
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

/** A database that answers every statement with this SQLSTATE. */
function failing(code: string): Pool {
  const error = Object.assign(new Error(`SQLSTATE ${code}`), { code });
  const session = {
    query: () => Promise.reject(error),
    on: () => undefined,
    off: () => undefined,
    release: () => undefined,
  };
  return { options: {}, connect: () => Promise.resolve(session) } as unknown as Pool;
}

describe('an error of PostgreSQL', () => {
  const row = {
    ...request.intent.payload,
    capabilities: [],
    epoch: null,
    introspected_at: '2026-01-31T12:00:00.000Z',
    contract_version: '1',
    state: 'PENDING_REGISTRATION',
    reducer_status: 'pending',
  };
  const upsert: EffectRequest = {
    ...request,
    intent: { ...request.intent, payload: { ...row, intent_type: 'postgres.upsert_registration' } },
  };

  it.each([
    ['about the node’s data', ['22001', '22003', '22021', '22P02', '22P05'], REFUSED, /refused to write/],
    [
      'about our set-up',
      ['23502', '23503', '23514', '28000', '28P01', '3D000', '3F000', '42501', '42601', '42703', '42P01', '42883'],
      UNAVAILABLE,
      /does not let the registrar write .*Next: check the tables/,
    ],
    [
      'of a database that is busy, full or going down',
      ['08006', '25006', '40001', '40P01', '53100', '53300', '55P03', '57014', '57P01', '58030', 'XX000', 'P0001'],
      UNAVAILABLE,
      /did not write .*retried until it does/,
    ],
  ])('%s', async (_about, codes, type, message) => {
    for (const code of codes) {
      const outcome = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') }).run(
        postgresUpsertRegistration(failing(code)),
        upsert,
      );
      await expect(outcome, code).rejects.toMatchObject({ type, message: expect.stringMatching(message) as string });
    }
  });
});

describe('a text in one line', () => {
  it.each([
    ['short', 10, 'short'],
    ['two\n\tlines', 20, 'two lines'],
    ['0123456789', 10, '0123456789'],
    ['0123456789a', 10, '012345678…'],
    ['12345678🚫9', 10, '12345678…'],
    ['half \ud83d pair', 20, 'half \ufffd pair'],
    ['a\u0000b', 10, 'a b'],
  ])('%j to %i is %j', (text, longest, expected) => {
    expect(oneLine(text, longest)).toBe(expected);
  });
});
