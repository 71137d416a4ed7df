import pg, { type Pool } from 'pg';
import { describe, expect, it } from 'vitest';
import type { BridgeContext } from '../../../../src/bridge/context.js';
import { heartbeats } from '../../../../src/bridge/liveness/heartbeats.js';
import { IntrospectionRequests } from '../../../../src/bridge/liveness/introspection-requests.js';
import { buildHeartbeat } from '../../../../src/protocol/heartbeat.js';
import { batchOf, bridgeWorld, event, recordOf, watermarks } from '../support.js';

const beatOf = (node_id: string) =>
  buildHeartbeat({ node_id, node_type: 'effect', node_version: '1.2.3', uptime_seconds: 1 }, new Date()).value;

function handler(context: BridgeContext) {
  const requests = new IntrospectionRequests(context, event('request_introspection'));
  return heartbeats(context, { window_seconds: 90, watermarksOf: watermarks, requests });
}

/** A database in which these nodes have no lease, and some of them are registering. */
function database({ withoutLease, registering }: Record<'withoutLease' | 'registering', readonly string[]>): Pool {
  const rowsOf = (statement: string): readonly string[] => {
    if (statement.includes('update node_leases')) return withoutLease;
    return statement.includes('from node_registrations') ? registering : [];
  };
  const query = (statement: string) =>
    Promise.resolve({ rows: rowsOf(statement).map((node_id) => ({ node_id, instance_id: null })) });
  const session = { query, on: () => undefined, off: () => undefined, release: () => undefined };
  return { query, connect: () => Promise.resolve(session) } as unknown as Pool;
}

describe('a heartbeat', () => {
  it('counts from the broker’s time; where its sender has set the time, from now by the database’s clock', async () => {
    const { context, asked } = bridgeWorld();
    const at = Date.now() - 5_000;
    const records = [
      recordOf(beatOf('a'), 0, at),
      { ...recordOf(beatOf('b'), 1, Date.UTC(2030)), isBrokersTime: false },
      { ...recordOf(beatOf('c'), 2, Number.NaN), isBrokersTime: false },
    ];
    await handler(context)({ ...batchOf([]).batch, records });
    expect(context.counters).toMatchObject({ heartbeats: 3 });
    expect(asked).toContainEqual([['a', 'b', 'c'], [new Date(at).toISOString(), null, null], 90, [null, null, null]]);
  });

  it('of each process of a node is kept; one that is not the registered one is logged when it begins, and counted', async () => {
    const other = { node_id: 'a', instance_id: 'p-1', registered: 'p-2' };
    const { context, asked, lines } = bridgeWorld({
      rows: [
        { ...other, begins: true },
        { ...other, instance_id: 'p-3', begins: false },
      ],
    });
    const at = Date.now() - 5_000;
    const of = (instance_id: string, offset: number) => ({
      ...recordOf(beatOf('a'), offset, at + offset),
      headers: { instance_id: Buffer.from(instance_id) },
    });
    await handler(context)({ ...batchOf([]).batch, records: [of('p-1', 0), of('p-2', 1), of('p-1', 2)] });
    const times = [2, 1].map((offset) => new Date(at + offset).toISOString());
    expect(asked).toContainEqual([['a', 'a'], times, 90, ['p-1', 'p-2']]);
    expect(context.counters).toMatchObject({ heartbeats_of_another_process: 2, introspections_requested: 0 });
    expect(lines.filter((line) => line.startsWith('another process'))).toHaveLength(1);
  });

  it('of a process counts by its newest, in whatever order they are read', async () => {
    const { context, asked } = bridgeWorld();
    const at = Date.now() - 60_000;
    const beat = (offset: number, seconds: number) => recordOf(beatOf('a'), offset, at + seconds * 1_000);
    await handler(context)({ ...batchOf([]).batch, records: [beat(0, 5), beat(1, 9), beat(2, 7)] });
    expect(asked).toContainEqual([['a'], [new Date(at + 9_000).toISOString()], 90, [null]]);
  });

  it('that cannot be understood is a dead letter, and done; fields that mean nothing are counted', async () => {
    const { context, sent, asked } = bridgeWorld();
    const odd = Buffer.from(JSON.stringify({ node_id: 'odd', uptime_seconds: -1, cpu_usage_percent: 101 }));
    const { batch, done } = batchOf([Buffer.from('nonsense'), odd, null]);
    await handler(context)(batch);
    expect(sent.map(({ headers }) => [headers['code'], headers['original_offset']])).toEqual([
      ['not_json', '0'],
      ['not_json', '2'],
    ]);
    expect(done.size).toBe(3);
    expect(context.counters).toMatchObject({ heartbeats: 1, heartbeat_fields_dropped: 2, heartbeats_without_lease: 0 });
    expect(asked.filter(([ids]) => Array.isArray(ids) && ids.includes('odd'))).toHaveLength(1);
  });

  it('that the database refuses for good is not tried again', async () => {
    const { context } = bridgeWorld();
    let tries = 0;
    const refusal = Object.assign(new pg.DatabaseError('invalid byte sequence', 1, 'error'), { code: '22021' });
    const refuses = () => {
      tries += 1;
      return Promise.reject(refusal);
    };
    const { batch, done } = batchOf([beatOf('a')]);
    await expect(handler({ ...context, pool: { connect: refuses } as unknown as Pool })(batch)).rejects.toThrow(
      'invalid byte sequence',
    );
    expect([tries, done.size]).toEqual([1, 0]);
  });

  it('of a node without a lease has that node asked, unless it is just registering', async () => {
    const { context, sent } = bridgeWorld();
    const pool = database({ withoutLease: ['lost', 'registering'], registering: ['registering'] });
    const { batch, done } = batchOf(['lost', 'registering', 'well'].map(beatOf));
    await handler({ ...context, pool })(batch);
    expect(sent.map(({ key }) => key)).toEqual(['lost']);
    expect(context.counters).toMatchObject({ heartbeats_without_lease: 2, introspections_requested: 1 });
    expect(done.size).toBe(3);
  });

  it('is not done, and moves no watermark, while the database does not store it', async () => {
    const { context } = bridgeWorld();
    const stop = new AbortController();
    let tries = 0;
    const away = () => {
      tries += 1;
      if (tries === 2) stop.abort(new Error('stopping'));
      return Promise.reject(new Error('away'));
    };
    const { batch, done } = batchOf([beatOf('a')], stop.signal);
    await expect(handler({ ...context, pool: { connect: away } as unknown as Pool })(batch)).rejects.toThrow(
      'stopping',
    );
    expect([tries, done.size, context.counters.heartbeats]).toEqual([2, 0, 0]);
  });
});
