import type { IncomingRecord, RecordBatch } from '../../kafka/consumer.js';
import { parseHeartbeat, type Heartbeat } from '../../protocol/heartbeat.js';
import { keepNumbers } from '../../registry/keys/signed-numbers.js';
import { renewLeases, type Beat } from '../../registry/leases/renew-leases.js';
import { readRegistering } from '../../registry/rows/read-registering.js';
import { inTransaction, isAboutTheData } from '../../registry/pool.js';
import type { BridgeContext } from '../context.js';
import type { RefusedRecord } from '../dead-letters.js';
import { understand } from '../understand.js';
import type { IntrospectionRequests } from './introspection-requests.js';
import { timed } from '../record-times.js';
import type { TopicWatermarks } from './topic-watermarks.js';

/** The newest heartbeat of a process of a node in a batch, and where it was read. */
interface NewestBeat extends Beat {
  readonly record: IncomingRecord;
}

const ANOTHER_PROCESS =
  'another process sends heartbeats under the id of a registered one; they do not count: end it, or give it another id';

export interface HeartbeatOptions {
  /** The lease duration. */
  readonly window_seconds: number;
  readonly watermarksOf: (topic: string) => TopicWatermarks;
  readonly requests: IntrospectionRequests;
}

/**
 * Heartbeats never reach Temporal: the newest of each node's process in a batch renews its
 * lease, and in the same transaction the watermark records how far the partition
 * is stored. Offsets follow.
 */
export function heartbeats(
  context: BridgeContext,
  { window_seconds, watermarksOf, requests }: HeartbeatOptions,
): (batch: RecordBatch) => Promise<void> {
  const { counters, deadLetters, pool, postgres, logger, signing } = context;
  return async (batch) => {
    const { read, refused } = readAll(batch.records);
    await deadLetters.put(refused, batch.signal);
    const signed = (await signing?.heartbeats(read, batch.signal)) ?? { counting: read, refused: 0, ...NONE };
    const { beats, fieldsDropped } = newestPerProcess(signed.counting);
    const { withoutLease, others, registering } = await postgres.untilAnswered(
      () =>
        inTransaction(pool, async (sql) => {
          const { withoutLease, others } = await renewLeases(sql, [...beats.values()], window_seconds);
          await watermarksOf(batch.topic).store(sql, batch);
          await keepNumbers(sql, 'heartbeats', signed.numbers);
          return {
            withoutLease,
            others,
            registering: withoutLease.length === 0 ? [] : await readRegistering(sql, withoutLease),
          };
        }),
      { signal: batch.signal, isFinal: isAboutTheData },
    );
    for (const record of batch.records) batch.done(record);
    counters.heartbeats += read.length - signed.refused;
    counters.heartbeats_without_lease += withoutLease.length;
    counters.heartbeat_fields_dropped += fieldsDropped;
    counters.heartbeats_of_another_process += others.length;
    for (const { begins, ...other } of others) if (begins) logger.warn(other, ANOTHER_PROCESS);
    // A node may beat from its ack on; its lease is opened a moment later, and there is nothing to ask it.
    const lost = new Set(withoutLease.filter((node_id) => !registering.includes(node_id)));
    await requests.ask([
      ...[...beats.values()].filter(({ node_id }) => lost.has(node_id)),
      ...signed.unbound.flatMap(({ record, message: { node_id } }) => (lost.has(node_id) ? [] : [{ node_id, record }])),
    ]);
  };
}

/** A heartbeat that can be understood. */
interface Read {
  readonly record: IncomingRecord;
  readonly message: Heartbeat;
}

const NONE = { numbers: [], unbound: [] as readonly Read[] };

function readAll(records: readonly IncomingRecord[]) {
  const read: Read[] = [];
  const refused: RefusedRecord[] = [];
  for (const record of records) {
    const parsed = understand(record, () => parseHeartbeat(record.value, timed(record)));
    if (parsed.ok) read.push({ record, message: parsed.message });
    else refused.push({ record, code: parsed.code, reason: parsed.reason });
  }
  return { read, refused };
}

interface Newest {
  readonly beats: ReadonlyMap<string, NewestBeat>;
  /** How many of their fields mean nothing. */
  readonly fieldsDropped: number;
}

function newestPerProcess(read: readonly Read[]): Newest {
  const beats = new Map<string, NewestBeat>();
  let fieldsDropped = 0;
  for (const { record, message } of read) {
    fieldsDropped += message.dropped.length;
    const { node_id, instance_id } = message;
    const sender = `${node_id} ${instance_id ?? ''}`;
    // A time of the sender's is not used: the database has its own.
    const at = record.isBrokersTime ? message.at : null;
    const before = beats.get(sender)?.at ?? null;
    if (at === null || before === null || before <= at)
      beats.set(sender, { node_id, at, record, ...(instance_id === undefined ? {} : { instance_id }) });
  }
  return { beats, fieldsDropped };
}
