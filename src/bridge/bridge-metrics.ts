import { Counter, Gauge, Registry } from 'prom-client';
import type { KafkaAdmin } from '../kafka/admin.js';
import { countConflicts } from '../registry/leases/read-conflicts.js';
import type { SelfPreservationState } from '../registry/leases/self-preservation.js';
import { shareOf } from '../registry/leases/self-preservation-words.js';
import { lowestWatermark } from '../registry/leases/watermarks.js';
import type { BridgeContext } from './context.js';
import { COUNTERS, type BridgeCounters } from './counters.js';
import type { Stream } from './streams.js';

/**
 * What a bridge shows of itself to Prometheus. Everything is read
 * when it is asked for; what Kafka or the database doesn't answer is left out.
 *
 * @param selfPreservation its state when it was last read; null before that
 * @param window_seconds the lease duration
 */
export function bridgeMetrics(
  context: BridgeContext,
  admin: Pick<KafkaAdmin, 'topicEnds' | 'committed'>,
  streams: readonly Pick<Stream, 'topics' | 'groupId' | 'watermarks'>[],
  selfPreservation: () => SelfPreservationState | null,
  window_seconds: number,
): Registry {
  const registry = new Registry();
  const registers = [registry];
  sinceTheStart(context, registers);
  streamProgress(context, admin, streams, registers);
  messagesOfOthers(context, registers, window_seconds);
  selfPreservationMetrics(selfPreservation, registers);
  return registry;
}

/** What this bridge has counted, and its dead letters by reason. */
function sinceTheStart(
  { counters, deadLetters }: Pick<BridgeContext, 'counters' | 'deadLetters'>,
  registers: Registry[],
): void {
  for (const [name, help] of Object.entries(COUNTERS) as [keyof BridgeCounters, string][]) {
    new Counter({
      name: `registrar_bridge_${name}_total`,
      help: `${help}, since this bridge was started`,
      registers,
      collect() {
        this.reset();
        this.inc(counters[name]);
      },
    });
  }

  new Counter({
    name: 'registrar_bridge_dead_letters_total',
    help: 'records that could not be understood or applied, since this bridge was started: written to the dead letters',
    labelNames: ['reason'],
    registers,
    collect() {
      this.reset();
      for (const [reason, count] of deadLetters.counts()) this.inc({ reason }, count);
    },
  });
}

/** How far the streams are read, and how far they are stored. */
function streamProgress(
  { pool, kafka, postgres }: Pick<BridgeContext, 'pool' | 'kafka' | 'postgres'>,
  admin: Pick<KafkaAdmin, 'topicEnds' | 'committed'>,
  streams: readonly Pick<Stream, 'topics' | 'groupId' | 'watermarks'>[],
  registers: Registry[],
): void {
  new Gauge({
    name: 'registrar_consumer_lag_records',
    help: 'records of a topic that no bridge has read and committed yet',
    labelNames: ['topic'],
    registers,
    async collect() {
      this.reset();
      await kafka.once(async () => {
        for (const { topics, groupId } of streams)
          for (const topic of topics) this.set({ topic }, await lag(admin, topic, groupId));
      });
    },
  });
  new Gauge({
    name: 'registrar_watermark_age_seconds',
    help: 'age of the time up to which a whole topic is stored: seconds',
    labelNames: ['topic'],
    registers,
    async collect() {
      this.reset();
      await postgres.once(async () => {
        for (const { topic } of streams.flatMap(({ watermarks }) => watermarks)) {
          const watermark = await lowestWatermark(pool, [topic]);
          if (watermark !== null) this.set({ topic }, (Date.now() - Date.parse(watermark)) / 1_000);
        }
      });
    },
  });
}

/** Whether expiry is held, and the numbers behind it. */
function selfPreservationMetrics(read: () => SelfPreservationState | null, registers: Registry[]): void {
  const gauge = (name: string, help: string, value: (state: SelfPreservationState) => number): void => {
    new Gauge({
      name: `registrar_self_preservation_${name}`,
      help,
      registers,
      collect() {
        // A reset would show a 0.
        this.remove();
        const state = read();
        if (state !== null) this.set(value(state));
      },
    });
  };
  gauge('held', '1 while expiry is held, because too much of the fleet is gone at once', ({ held_since }) =>
    held_since === null ? 0 : 1,
  );
  gauge('share', 'the share of the fleet that looks dead or has expired within the last lease duration', shareOf);
  gauge('suspects', 'nodes whose lease has expired and is not verified yet', ({ suspects }) => suspects);
  gauge('expired', 'nodes that have expired within the last lease duration', ({ expired }) => expired);
  gauge('active', 'nodes with an open lease, the suspects among them', ({ active }) => active);
}

function signatureFaults(signing: BridgeContext['signing'], registers: Registry[]): void {
  new Counter({
    name: 'registrar_bridge_signature_faults_total',
    help:
      'messages that their nodes have not signed, since this bridge was started: accepted where the contract has ' +
      'signing: warn, refused where it has enforce',
    labelNames: ['kind', 'fault'],
    registers,
    collect() {
      this.reset();
      for (const { kind, fault, count } of signing?.counts() ?? []) this.inc({ kind, fault }, count);
    },
  });
}

/** What came from another process of a node, or was not signed by it. */
function messagesOfOthers(
  { pool, postgres, signing }: Pick<BridgeContext, 'pool' | 'postgres' | 'signing'>,
  registers: Registry[],
  window_seconds: number,
): void {
  signatureFaults(signing, registers);
  new Gauge({
    name: 'registrar_conflicting_nodes',
    help: 'nodes under whose id another process than the registered one sends heartbeats',
    registers,
    async collect() {
      // A reset would show a 0.
      this.remove();
      await postgres.once(async () => this.set(await countConflicts(pool, window_seconds)));
    },
  });
}

async function lag(
  admin: Pick<KafkaAdmin, 'topicEnds' | 'committed'>,
  topic: string,
  groupId: string,
): Promise<number> {
  const [ends, committed] = await Promise.all([admin.topicEnds(topic), admin.committed(groupId, topic)]);
  return ends.reduce(
    (sum, { partition, low, high }) =>
      sum + Number(high) - Math.max(Number(committed.get(partition) ?? low), Number(low)),
    0,
  );
}
