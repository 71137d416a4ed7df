import { fastify } from 'fastify';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { actionRoutes, namedByProxy } from '../../../src/server/http/actions.js';
import type { Actions } from '../../../src/server/source.js';

const WISH = { who: 'ada', why: 'the disk is replaced' };
const ACKNOWLEDGE = '/api/nodes/node-1/acknowledge';
const RELEASE = '/api/self-preservation/release';

/** The routes alone, on no port; with what was done by them, and what they logged. */
function page({ userHeader = null, failure }: { userHeader?: string | null; failure?: Error } = {}) {
  const done: unknown[] = [];
  const logged: unknown[] = [];
  const act =
    (name: string) =>
    async (...given: unknown[]): Promise<string> => {
      done.push([name, ...given]);
      if (failure !== undefined) throw failure;
      return Promise.resolve(`${name} is done`);
    };
  const actions: Actions = {
    acknowledge: act('acknowledge'),
    retry: act('retry'),
    drain: act('drain'),
    undrain: act('undrain'),
    evict: act('evict'),
    ban: act('ban'),
    unban: act('unban'),
    release: act('release'),
    replay: act('replay'),
  };
  const logger = pino({ base: null, timestamp: false }, { write: (line: string) => logged.push(JSON.parse(line)) });
  const app = fastify();
  actionRoutes(app, actions, { logger, userHeader });
  const post = async (url: string, payload?: object, headers: Record<string, string> = {}) => {
    const answer = await app.inject({ method: 'POST', url, headers, ...(payload === undefined ? {} : { payload }) });
    return { status: answer.statusCode, body: answer.json<unknown>() };
  };
  return { post, done, logged };
}

describe('a wish that may be done', () => {
  it.each([
    {
      url: ACKNOWLEDGE,
      body: WISH,
      call: ['acknowledge', 'node-1', WISH],
      facts: { action: 'acknowledge', node_id: 'node-1', ...WISH, outcome: 'acknowledge is done' },
    },
    {
      url: '/api/nodes/node-1/retry',
      body: WISH,
      call: ['retry', 'node-1', WISH],
      facts: { action: 'retry', node_id: 'node-1', ...WISH, outcome: 'retry is done' },
    },
    {
      url: RELEASE,
      body: { ...WISH, nodes: 0 },
      call: ['release', WISH, 0],
      facts: { action: 'release self-preservation', ...WISH, nodes: 0, outcome: 'release is done' },
    },
    {
      url: '/api/dead-letters/2-1047/replay',
      body: WISH,
      call: ['replay', '2-1047', WISH],
      facts: { action: 'replay', letter: '2-1047', ...WISH, outcome: 'replay is done' },
    },
  ])('is done once, answered and logged with who and why: $url', async ({ url, body, call, facts }) => {
    const { post, done, logged } = page();
    expect(await post(url, body)).toEqual({ status: 200, body: { outcome: facts.outcome } });
    expect(done).toEqual([call]);
    expect(logged).toEqual([{ level: 30, ...facts, msg: 'a person acted' }]);
  });

  it('is about one node, however its UUID is written, and has no blanks around who and why', async () => {
    const { post, done } = page();
    const id = '0B6E3C52-1F0A-4C55-9A8E-3D1F2A4B5C6D';
    await post(`/api/nodes/${id}/retry`, { who: ' ada ', why: ' old ' });
    expect(done).toEqual([['retry', id.toLowerCase(), { who: 'ada', why: 'old' }]]);
  });
});

describe('a wish that is not done', () => {
  const WHO = 'who acts is missing';
  const WHY = 'why is missing: three characters or more';
  const NODES = 'how many nodes may expire is missing';
  it.each([
    ['nobody', ACKNOWLEDGE, { ...WISH, who: ' ' }, WHO],
    ['a reason of two characters', ACKNOWLEDGE, { ...WISH, why: ' ok ' }, WHY],
    ['neither who nor why, and names both', ACKNOWLEDGE, { who: '', why: '' }, `${WHO}; ${WHY}`],
    ['a name of 101 characters', ACKNOWLEDGE, { ...WISH, who: 'a'.repeat(101) }, /<=100 characters$/],
    ['a reason of 501 characters', ACKNOWLEDGE, { ...WISH, why: 'a'.repeat(501) }, /<=500 characters$/],
    ['what it does not know', ACKNOWLEDGE, { ...WISH, force: true }, 'Unrecognized key: "force"'],
    ['a list', ACKNOWLEDGE, [WISH], /expected object/],
    ['no body', ACKNOWLEDGE, undefined, /expected object/],
    ['a release that does not say how many', RELEASE, WISH, NODES],
    ['a release of half a node', RELEASE, { ...WISH, nodes: 1.5 }, NODES],
    ['a release of fewer than none', RELEASE, { ...WISH, nodes: -1 }, NODES],
    ['a number that is text', RELEASE, { ...WISH, nodes: '3' }, NODES],
    ['a node’s id with a blank', '/api/nodes/a%20b/acknowledge', WISH, 'this is not the id of a node'],
    ['a node’s id that climbs', '/api/nodes/..%2Fb/retry', WISH, 'this is not the id of a node'],
    ['a letter without an offset', '/api/dead-letters/2/replay', WISH, 'this is not the id of a dead letter'],
    ['a letter before the first', '/api/dead-letters/2--1/replay', WISH, 'this is not the id of a dead letter'],
    ['a letter in two lines', '/api/dead-letters/2-1%0A/replay', WISH, 'this is not the id of a dead letter'],
  ])('refuses %s with 400, and nothing is done or logged', async (_, url, body, error) => {
    const { post, done, logged } = page();
    const reason: unknown = typeof error === 'string' ? error : expect.stringMatching(error);
    expect(await post(url, body)).toEqual({ status: 400, body: { error: reason } });
    expect([done, logged]).toEqual([[], []]);
  });

  it.each([
    ['an error', new Error('the node is ACTIVE already')],
    ['each address of a backend', new AggregateError([new Error('the node is'), new Error('ACTIVE already')])],
  ])('answers 409 with the reason of %s, and logs it as a warning', async (_, failure) => {
    const { post, done, logged } = page({ failure });
    const reason = failure instanceof AggregateError ? 'the node is; ACTIVE already' : 'the node is ACTIVE already';
    expect(await post(ACKNOWLEDGE, WISH)).toEqual({ status: 409, body: { error: reason } });
    expect(done).toEqual([['acknowledge', 'node-1', WISH]]);
    const facts = { action: 'acknowledge', node_id: 'node-1', ...WISH, reason };
    expect(logged).toEqual([{ level: 40, ...facts, msg: 'an action of a person was refused' }]);
  });
});

describe('behind a proxy that names people', () => {
  const proxied = { userHeader: 'X-Forwarded-User' };

  it('believes the proxy and not the page, in what is done and in the log', async () => {
    const { post, done, logged } = page(proxied);
    await post(RELEASE, { who: 'mallory', why: 'a test', nodes: 3 }, { 'x-forwarded-user': ' ada ' });
    expect(done).toEqual([['release', { who: 'ada', why: 'a test' }, 3]]);
    expect(logged).toMatchObject([{ who: 'ada', why: 'a test', nodes: 3 }]);
  });

  it('needs no name from the page', async () => {
    const { post, done } = page(proxied);
    expect((await post(ACKNOWLEDGE, { why: 'a test' }, { 'x-forwarded-user': 'ada' })).status).toBe(200);
    expect(done).toEqual([['acknowledge', 'node-1', { who: 'ada', why: 'a test' }]]);
  });

  it.each([{}, { 'x-forwarded-user': ' ' }])('refuses who the proxy does not name: %j', async (headers) => {
    const { post, done, logged } = page(proxied);
    expect(await post(ACKNOWLEDGE, WISH, headers)).toEqual({
      status: 403,
      body: { error: 'the proxy has not said who you are: the header X-Forwarded-User is missing' },
    });
    expect([done, logged]).toEqual([[], []]);
  });

  it('still refuses a wish without a reason', async () => {
    const { post, done } = page(proxied);
    expect((await post(ACKNOWLEDGE, undefined, { 'x-forwarded-user': 'ada' })).status).toBe(400);
    expect((await post(ACKNOWLEDGE, {}, { 'x-forwarded-user': 'ada' })).status).toBe(400);
    expect(done).toEqual([]);
  });

  it('ignores the header where no proxy is set up', async () => {
    const { post, done } = page();
    await post(ACKNOWLEDGE, WISH, { 'x-forwarded-user': 'mallory' });
    expect(done).toEqual([['acknowledge', 'node-1', WISH]]);
    expect(namedByProxy({ 'x-forwarded-user': 'mallory' }, null)).toBeNull();
  });

  it('takes the first of several names, and of a long one what may be kept', () => {
    expect(namedByProxy({ 'x-forwarded-user': ['ada', 'mallory'] }, 'X-Forwarded-User')).toBe('ada');
    expect(namedByProxy({ 'x-forwarded-user': [] }, 'X-Forwarded-User')).toBeNull();
    expect(namedByProxy({ 'x-forwarded-user': 'a'.repeat(101) }, 'X-Forwarded-User')).toBe('a'.repeat(100));
  });
});
