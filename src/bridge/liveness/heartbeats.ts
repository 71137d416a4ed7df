import type { IncomingRecord, RecordBatch } from '../../kafka/consumer.js';
import { parseHeartbeat } from '../../protocol/heartbeat.js';
import { renewLeases, type Beat } from '../../registry/leases/renew-leases.js';
import { readRegistering } from '../../registry/rows/read-registering.js';
import { inTransaction } from '../../registry/pool.js';
import type { BridgeContext } from '../context.js';
import type { DeadLetter } from '../dead-letters.js';
import type { IntrospectionRequests } from './introspection-requests.js';
import { markStored } from './idle-partitions.js';

/** The newest heartbeat of a node in a batch, and where it was read. */
interface NewestBeat extends Beat {
  readonly record: IncomingRecord;
}

/**
 * Heartbeats never reach Temporal: the newest of each node in a batch renews its
 * lease, and in the same transaction the watermark records how far the partition
 * is stored. Offsets follow.
 */
export function heartbeats(
  context: BridgeContext,
  stalledSeconds: number,
  requests: IntrospectionRequests,
): (batch: RecordBatch) => Promise<void> {
  const { counters, deadLetters, pool, postgres } = context;
  return async (batch) => {
    const { beats, refused, fromTheFuture } = newestPerNode(batch.records);
    await deadLetters.put(refused, batch.signal);
    const { withoutLease, registering } = await postgres.untilAnswered(
      () =>
        inTransaction(pool, async (sql) => {
          const withoutLease = await renewLeases(sql, [...beats.values()]);
          await markStored(sql, batch, stalledSeconds);
          return {
            withoutLease,
            registering: withoutLease.length === 0 ? [] : await readRegistering(sql, withoutLease),
          };
        }),
      { signal: batch.signal },
    );
    for (const record of batch.records) batch.done(record);
    counters.heartbeats += batch.records.length - refused.length;
    counters.heartbeats_without_lease += withoutLease.length;
    counters.heartbeats_from_the_future += fromTheFuture;
    // A node may beat from its ack on; its lease is opened a moment later, and there is nothing to ask it.
    const lost = new Set(withoutLease.filter((node_id) => !registering.includes(node_id)));
    await requests.ask([...beats.values()].filter(({ node_id }) => lost.has(node_id)));
  };
}

interface Newest {
  readonly beats: ReadonlyMap<string, NewestBeat>;
  readonly refused: readonly DeadLetter[];
  /** How many carry a time after their arrival. */
  readonly fromTheFuture: number;
}

function newestPerNode(records: readonly IncomingRecord[]): Newest {
  const beats = new Map<string, NewestBeat>();
  const refused: DeadLetter[] = [];
  const now = new Date().toISOString();
  let fromTheFuture = 0;
  for (const record of records) {
    const parsed = parseHeartbeat(record.value, record);
    if (!parsed.ok) {
      refused.push({ record, reason: parsed.reason });
      continue;
    }
    const { node_id } = parsed.message;
    // On a topic that keeps the producer's time, a node with a wrong clock would never expire.
    const at = parsed.message.at < now ? parsed.message.at : now;
    if (parsed.message.at > now) fromTheFuture += 1;
    const before = beats.get(node_id);
    if (before === undefined || before.at <= at) beats.set(node_id, { node_id, at, record });
  }
  return { beats, refused, fromTheFuture };
}
