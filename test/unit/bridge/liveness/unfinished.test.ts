import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { UnfinishedAttempts } from '../../../../src/bridge/liveness/unfinished.js';
import type { Unfinished } from '../../../../src/registry/rows/find-unfinished.js';
import { fakeDatabase } from '../fake-database.js';
import { shipped } from '../support.js';

const MINUTE = 60_000;
/** Three ack rounds of 30 s and a grace of 15 s. */
const REGISTRATION_SECONDS = 105;

const attempt = (n: number, changes: Partial<Unfinished> = {}): Unfinished => ({
  node_id: `n-${String(n).padStart(4, '0')}`,
  node_type: 'effect',
  node_version: '1.2.3',
  attempt: 1,
  state_since: '2026-01-31 12:00:00+00',
  ...changes,
});
const attempts = (count: number, from = 0): Unfinished[] => Array.from({ length: count }, (_, n) => attempt(from + n));

function world(unfinished: Unfinished[], contract = shipped().compiled) {
  const database = fakeDatabase({
    unfinished: [
      'state_since <',
      ([, after, limit]) => ({
        rows: unfinished.filter(({ node_id }) => node_id > String(after)).slice(0, Number(limit)),
      }),
    ],
  });
  const signalled: string[] = [];
  const search = new UnfinishedAttempts(contract, ({ node_id }) => Promise.resolve(void signalled.push(node_id)));
  return { database, search, pass: () => search.pass(database.pool), signalled: () => signalled.splice(0) };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('attempts that were left unfinished', () => {
  it('are those that have lasted longer than all ack rounds and the grace', async () => {
    const { pass, signalled, database } = world(attempts(2));
    expect(await pass()).toBe(2);
    expect(signalled()).toEqual(['n-0000', 'n-0001']);
    expect(database.askedFor('unfinished')).toEqual([[REGISTRATION_SECONDS, '', 500]]);
  });

  it('are looked for once a minute, however often a pass is made', async () => {
    const { pass, database } = world([]);
    for (const _ of [1, 2, 3]) expect(await pass()).toBe(0);
    vi.advanceTimersByTime(MINUTE - 1);
    await pass();
    expect(database.askedFor('unfinished')).toHaveLength(1);
    vi.advanceTimersByTime(1);
    await pass();
    expect(database.askedFor('unfinished')).toHaveLength(2);
  });

  it('are signalled again after pauses that double from the length of a registration up to an hour', async () => {
    const { pass, signalled } = world(attempts(1));
    const at: number[] = [];
    for (let minute = 0; minute < 4 * 60; minute += 1) {
      await pass();
      if (signalled().length > 0) at.push(minute);
      vi.advanceTimersByTime(MINUTE);
    }
    // 105 s, 210 s and so on, each after the next full minute; an hour in the end.
    expect(at).toEqual([0, 2, 6, 13, 27, 55, 111, 171, 231]);
  });

  it('are another one with another state: it is signalled at once', async () => {
    const unfinished = attempts(1);
    const { pass, signalled } = world(unfinished);
    await pass();
    unfinished[0] = attempt(0, { state_since: '2026-01-31 12:05:00+00' });
    vi.advanceTimersByTime(MINUTE);
    signalled();
    expect(await pass()).toBe(1);
    expect(signalled()).toEqual(['n-0000']);
  });

  it('are read page after page, about a thousand are signalled at once, and the others a minute later', async () => {
    const { pass, signalled, database } = world(attempts(1_600));
    expect(await pass()).toBe(1_000);
    expect(signalled()).toHaveLength(1_000);
    expect(database.askedFor('unfinished').map(([, after]) => after)).toEqual(['', 'n-0499']);
    vi.advanceTimersByTime(MINUTE);
    expect(await pass()).toBe(600);
    expect(signalled()).toEqual(attempts(600, 1_000).map(({ node_id }) => node_id));
  });

  it('that fill a page to the last row are all of them', async () => {
    const { pass, database } = world(attempts(500));
    expect(await pass()).toBe(500);
    expect(database.askedFor('unfinished').map(([, after]) => after)).toEqual(['', 'n-0499']);
  });

  /** Signalled twice, at minutes 0 and 2: it may be signalled again after minute 5. */
  const signalledTwice = async ({ pass }: ReturnType<typeof world>) => {
    for (const count of [1, 0, 1]) {
      expect(await pass()).toBe(count);
      vi.advanceTimersByTime(MINUTE);
    }
  };

  it('are remembered by a pass that did not come as far as them', async () => {
    const unfinished = attempts(1, 5_000);
    const search = world(unfinished);
    await signalledTwice(search);
    unfinished.unshift(...attempts(1_000));
    expect(await search.pass()).toBe(1_000);
    unfinished.splice(0, 1_000);
    vi.advanceTimersByTime(MINUTE);
    expect(await search.pass()).toBe(0);
  });

  it('are forgotten when they are none any more', async () => {
    const unfinished = attempts(1);
    const search = world(unfinished);
    await signalledTwice(search);
    unfinished.pop();
    expect(await search.pass()).toBe(0);
    unfinished.push(attempt(0));
    vi.advanceTimersByTime(MINUTE);
    expect(await search.pass()).toBe(1);
  });
});
