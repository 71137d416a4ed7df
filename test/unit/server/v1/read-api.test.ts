import { fastify, type FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { readApi } from '../../../../src/server/v1/read-api.js';
import { ChangePage, Node, NodePage, NodeWithLease, Problem } from '../../../../src/server/v1/schemas.js';
import { FakeRegistry, listed } from './fake-registry.js';

const STATES = { ACTIVE: { discoverable: true }, DRAINING: { discoverable: false } };

let registry: FakeRegistry;
let app: FastifyInstance;
afterEach(() => app.close());

/** The routes alone, on a registry in memory. */
async function open(): Promise<void> {
  registry = new FakeRegistry();
  app = fastify({ forceCloseConnections: true });
  const logger = pino({ level: 'silent' });
  await app.register(readApi, { prefix: '/v1', registry, states: STATES, kept_seconds: 3_600, logger, everyMs: 10 });
}

const get = (url: string, headers: Record<string, string> = {}) => app.inject({ url, headers });

async function problem(url: string, headers?: Record<string, string>): Promise<[number, string]> {
  const answer = await get(url, headers);
  expect(answer.headers['content-type']).toBe('application/problem+json');
  const { status, detail } = Problem.parse(answer.json());
  expect(status).toBe(answer.statusCode);
  return [status, detail];
}

describe('lists of nodes', () => {
  it('come in pages, each leading to the next, whoever comes or goes between them', async () => {
    await open();
    registry.put(listed('a'), listed('c'), listed('e'));
    const first = NodePage.parse((await get('/v1/nodes?limit=2')).json());
    registry.put(listed('b'), listed('d'));
    const second = NodePage.parse((await get(`/v1/nodes?limit=2&cursor=${first.next_cursor}`)).json());
    expect([first, second].map(({ nodes }) => nodes.map(({ node_id }) => node_id))).toEqual([
      ['a', 'c'],
      ['d', 'e'],
    ]);
    expect(second.next_cursor).toBeNull();
  });

  it('hand the filters on, and discover asks for attempts that last in a discoverable state', async () => {
    await open();
    await get('/v1/nodes?type=effect&state=DRAINING&ended=true&capability=a&capability=b&tag=c');
    await get('/v1/discover?type=compute&capability=a');
    expect(registry.asked.map((asked) => JSON.parse(asked.slice(5)) as unknown)).toEqual([
      { node_type: 'effect', states: ['DRAINING'], capabilities: ['a', 'b'], tags: ['c'], ended: true },
      { node_type: 'compute', states: ['ACTIVE'], capabilities: ['a'], ended: false },
    ]);
  });

  it('say of each node whether it can be used now', async () => {
    await open();
    registry.put(
      listed('a'),
      listed('b', { state: 'DRAINING' }),
      listed('c', { ended_at: '2026-01-31T12:00:00.000Z' }),
    );
    const { nodes } = NodePage.parse((await get('/v1/nodes')).json());
    expect(nodes.map(({ discoverable }) => discoverable)).toEqual([true, false, false]);
  });

  it.each([
    ['/v1/nodes?capabilty=a', 'capabilty: there is no such parameter'],
    ['/v1/nodes?limit=0', 'limit: a whole number from 1 to 1000'],
    ['/v1/nodes?limit=1e2', 'limit: a whole number from 1 to 1000'],
    ['/v1/nodes?limit=2000', 'limit: a whole number from 1 to 1000'],
    ['/v1/nodes?capability=', 'capability/0: 1 to 128 printable characters'],
    ['/v1/nodes?tag=a%00b', 'tag/0: 1 to 128 printable characters'],
    ['/v1/nodes?cursor=%20', 'cursor: a cursor as it was sent'],
    ['/v1/nodes/a%20b', 'node_id: 1 to 128 letters, digits or any of . _ : -'],
  ])('refuse %s with what is wrong', async (url, detail) => {
    await open();
    expect(await problem(url)).toEqual([400, detail]);
  });

  it('name the states that there are where one is misspelt', async () => {
    await open();
    const [status, detail] = await problem('/v1/nodes?state=ACTIV');
    expect([status, detail]).toEqual([400, expect.stringMatching(/^state: .*ACTIVE.*DRAINING/)]);
  });

  it('begin anew with a cursor that is none of theirs', async () => {
    await open();
    expect(await problem('/v1/nodes?cursor=AAAA')).toEqual([410, expect.stringContaining('begin again without one')]);
  });
});

describe('a node', () => {
  it('comes with its lease, under its UUID in either case', async () => {
    await open();
    const id = '0b6e3c52-1f0a-4c55-9a8e-3d1f2a4b5c6d';
    registry.put(listed(id));
    const node = NodeWithLease.parse((await get(`/v1/nodes/${id.toUpperCase()}`)).json());
    expect([node.node_id, node.lease?.last_heartbeat_at]).toEqual([id, null]);
  });

  it('that nobody knows is a problem in words', async () => {
    await open();
    expect(await problem('/v1/nodes/nobody')).toEqual([404, 'the registry has no node nobody']);
  });

  it('is not sent again to who has it', async () => {
    await open();
    registry.put(listed('a'));
    const { etag } = (await get('/v1/nodes/a')).headers;
    for (const known of [String(etag), `W/${etag}`, `"other", ${etag}`, '*']) {
      const answer = await get('/v1/nodes/a', { 'if-none-match': known });
      expect([answer.statusCode, answer.body, answer.headers.etag]).toEqual([304, '', etag]);
    }
    registry.put(listed('a', { state: 'DRAINING' }));
    const changed = await get('/v1/nodes/a', { 'if-none-match': String(etag) });
    expect([changed.statusCode, changed.headers.etag === etag]).toEqual([200, false]);
    const head = await app.inject({ method: 'HEAD', url: '/v1/nodes/a' });
    expect([head.statusCode, head.headers.etag, head.body]).toEqual([200, changed.headers.etag, '']);
  });
});

describe('what cannot be answered', () => {
  it('is 405 for what would change something, and 404 for what there is not', async () => {
    await open();
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'] as const) {
      const answer = await app.inject({ method, url: '/v1/nodes/a', ...(method === 'POST' ? { payload: 'x' } : {}) });
      expect([answer.statusCode, answer.headers.allow]).toEqual([405, 'GET, HEAD']);
    }
    expect(await problem('/v1/node')).toEqual([404, expect.stringContaining('/v1/openapi.json')]);
  });

  it('is 503 while the registry is away', async () => {
    await open();
    registry.failure = new Error('connect ECONNREFUSED');
    for (const url of ['/v1/nodes', '/v1/discover', '/v1/nodes/a'])
      expect(await problem(url)).toEqual([503, 'the registry does not answer: connect ECONNREFUSED']);
  });
});

describe('pages of changes', () => {
  const json = { accept: 'application/json' };
  const page = async (query = '') => ChangePage.parse((await get(`/v1/changes${query}`, json)).json());

  it('begin with everything and go on from their cursor', async () => {
    await open();
    registry.put(listed('a'));
    registry.put(listed('b'), listed('c'));
    const first = await page('?limit=2');
    const second = await page(`?limit=2&cursor=${first.cursor}`);
    registry.remove('a');
    const third = await page(`?cursor=${second.cursor}`);
    const names = ({ changes }: ChangePage) =>
      changes.map((change) => (change.type === 'node' ? change.node.node_id : `-${change.node_id}`));
    expect([first, second, third].map(names)).toEqual([['a', 'b'], ['c'], ['-a']]);
    expect([first, second, third].map(({ more }) => more)).toEqual([true, false, false]);
  });

  it.each([
    ['is of another database', (registry: FakeRegistry) => (registry.origin = '2-1')],
    ['is older than what is kept', (registry: FakeRegistry) => (registry.at += 3_601)],
    ['is ahead of a database that was failed over', (registry: FakeRegistry) => (registry.at -= 10)],
  ])('are refused with 410 where the cursor %s', async (_, change) => {
    await open();
    const { cursor } = await page();
    change(registry);
    expect(await problem(`/v1/changes?cursor=${cursor}`, json)).toEqual([
      410,
      expect.stringContaining('begin again without one'),
    ]);
  });
});

interface ServerSent {
  readonly id: string | undefined;
  readonly event: string | undefined;
  readonly data: unknown;
}

/** Reads a stream of changes until what is expected has come. */
async function* follow(url: string, lastEventId?: string): AsyncGenerator<ServerSent> {
  const headers = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
  const { body } = await fetch(url, { headers });
  let text = '';
  for await (const chunk of body ?? []) {
    text += Buffer.from(chunk as Uint8Array).toString();
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const fields = new Map(
        text
          .slice(0, end)
          .split('\n')
          .map((line) => line.split(/: (.*)/s, 2) as [string, string]),
      );
      text = text.slice(end + 2);
      if (fields.has('event'))
        yield { id: fields.get('id'), event: fields.get('event'), data: JSON.parse(fields.get('data') ?? 'null') };
    }
  }
}

describe('a stream of changes', () => {
  const listen = async (): Promise<string> => `${await app.listen({ host: '127.0.0.1', port: 0 })}/v1/changes`;
  const next = async (stream: AsyncGenerator<ServerSent>): Promise<ServerSent> => {
    const { value } = (await stream.next()) as { value: ServerSent };
    return value;
  };

  it('begins with every node, says that this was all, and goes on with what changes', async () => {
    await open();
    registry.put(listed('a'));
    const stream = follow(await listen());
    expect([await next(stream), await next(stream), await next(stream)]).toMatchObject([
      { event: 'reset', data: { reason: 'there was no cursor' } },
      { event: 'node', data: { node_id: 'a' } },
      { event: 'current' },
    ]);
    registry.put(listed('a', { state: 'DRAINING' }));
    const changed = await next(stream);
    expect(Node.parse(changed.data).state).toBe('DRAINING');
    registry.remove('a');
    expect(await next(stream)).toMatchObject({ event: 'current' });
    expect(await next(stream)).toMatchObject({ event: 'removed', data: { node_id: 'a' } });
    await stream.return(undefined);
  });

  it('goes on where its reader was, and sends no more than it missed', async () => {
    await open();
    registry.put(listed('a'));
    const url = await listen();
    const stream = follow(url);
    await next(stream);
    const { id } = await next(stream);
    await stream.return(undefined);
    registry.put(listed('b'));
    const again = follow(url, id);
    expect([await next(again), await next(again)]).toMatchObject([{ data: { node_id: 'b' } }, { event: 'current' }]);
    await again.return(undefined);
  });

  it('begins anew, and says so, for a cursor that cannot be used any more', async () => {
    await open();
    registry.put(listed('a'));
    const url = await listen();
    const stream = follow(url, 'none-of-ours');
    expect([await next(stream), await next(stream)]).toMatchObject([
      {
        event: 'reset',
        data: { reason: expect.stringContaining('forget the nodes that are not sent again') as string },
      },
      { event: 'node', data: { node_id: 'a' } },
    ]);
    await next(stream);
    registry.origin = '2-1';
    expect([await next(stream), await next(stream)]).toMatchObject([{ event: 'reset' }, { event: 'node' }]);
    await stream.return(undefined);
  });

  it('waits while the registry is away, and then misses nothing', async () => {
    await open();
    const stream = follow(await listen());
    expect([await next(stream), await next(stream)]).toMatchObject([{ event: 'reset' }, { event: 'current' }]);
    registry.failure = new Error('connect ECONNREFUSED');
    registry.put(listed('a'));
    const waiting = next(stream);
    setTimeout(() => (registry.failure = null), 30);
    expect(await waiting).toMatchObject({ event: 'node', data: { node_id: 'a' } });
    await stream.return(undefined);
  });

  it('asks the registry once for all who are at the same place, and not at all when nobody follows', async () => {
    await open();
    const url = await listen();
    const streams = [follow(url), follow(url), follow(url)];
    for (const stream of streams) while ((await next(stream)).event !== 'current');
    registry.asked.length = 0;
    registry.put(listed('a'));
    for (const stream of streams) expect(await next(stream)).toMatchObject({ event: 'node' });
    expect(new Set(registry.asked).size).toBe(registry.asked.length);
    for (const stream of streams) await stream.return(undefined);
  });
});
