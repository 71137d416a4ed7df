import type { Pool } from 'pg';
import { describe, expect, it } from 'vitest';
import type { BridgeContext } from '../../../../src/bridge/context.js';
import { heartbeats } from '../../../../src/bridge/liveness/heartbeats.js';
import { IntrospectionRequests } from '../../../../src/bridge/liveness/introspection-requests.js';
import { buildHeartbeat } from '../../../../src/protocol/heartbeat.js';
import { batchOf, bridgeWorld, event, recordOf } from '../support.js';

const beatOf = (node_id: string) =>
  buildHeartbeat({ node_id, node_type: 'effect', node_version: '1.2.3', uptime_seconds: 1 }, new Date()).value;

function handler(context: BridgeContext) {
  return heartbeats(context, 10, new IntrospectionRequests(context, event('request_introspection')));
}

/** A database in which these nodes have no lease, and some of them are registering. */
function database({ withoutLease, registering }: Record<'withoutLease' | 'registering', readonly string[]>): Pool {
  const rowsOf = (statement: string): readonly string[] => {
    if (statement.includes('update node_leases')) return withoutLease;
    return statement.includes('from node_registrations') ? registering : [];
  };
  const query = (statement: string) => Promise.resolve({ rows: rowsOf(statement).map((node_id) => ({ node_id })) });
  const session = { query, on: () => undefined, off: () => undefined, release: () => undefined };
  return { query, connect: () => Promise.resolve(session) } as unknown as Pool;
}

describe('a heartbeat', () => {
  it('from the future counts from its arrival, and is counted', async () => {
    const { context, asked } = bridgeWorld();
    const records = [
      recordOf(beatOf('a'), 0, Date.now() - 5_000),
      recordOf(beatOf('b'), 1, Date.now() + 600_000),
      recordOf(beatOf('c'), 2, Date.now() + 600_000),
    ];
    await handler(context)({ ...batchOf([]).batch, records });
    expect(context.counters).toMatchObject({ heartbeats: 3, heartbeats_from_the_future: 2 });
    const times = asked
      .flat()
      .filter(Array.isArray)
      .flat()
      .filter((value): value is string => typeof value === 'string' && value.endsWith('Z'));
    expect(times.length).toBeGreaterThanOrEqual(3);
    for (const time of times) expect(Date.parse(time)).toBeLessThanOrEqual(Date.now());
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
