import type { Connection } from '@temporalio/client';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { bridgeTopics, groupId } from '../../bridge/bridge-topics.js';
import type { Names } from '../../protocol/topics.js';
import { selfPreservationQuestion } from '../../bridge/liveness/watch-self-preservation.js';
import type { Contracts } from '../../contracts/load.js';
import type { KafkaAdmin } from '../../kafka/index.js';
import { isSwept } from '../../registry/sweep-lease.js';
import type { ConsulClient } from '../../registry/consul/client.js';
import { readSelfPreservation } from '../../registry/leases/self-preservation.js';
import { readReconciliation } from '../../registry/reconciliations.js';
import type { Health } from '../api/health.js';
import { errorText } from '../../error-text.js';
import type { RecentDeadLetters } from './dead-letters.js';
import { healthOf, type HealthFacts } from './health.js';
import { Probe } from './probe.js';
import { PastLags } from './past-lags.js';
import { readBehind } from './registry.js';

export interface HealthWatchOptions {
  readonly pool: Pool;
  readonly temporal: Connection;
  readonly consul: ConsulClient;
  readonly kafka: KafkaAdmin;
  readonly deadLetters: RecentDeadLetters;
  readonly contracts: Contracts;
  readonly names: Names;
  readonly namespace: string;
  readonly taskQueue: string;
  /** Of each backend, where it is; for people, without passwords. */
  readonly addresses: {
    readonly consul: string;
    readonly postgres: string;
    readonly temporal: string;
    readonly kafka: string;
  };
  readonly logger: Logger;
  /** From look to look, milliseconds. Default 5000. */
  readonly everyMs?: number;
}

/** Looks at the registrar itself every few seconds: its backends, its streams, its workers. */
export class HealthWatch {
  readonly #options: HealthWatchOptions;
  readonly #probes: readonly Probe[];
  readonly #pastLags = new PastLags();
  #facts: Omit<HealthFacts, 'backends' | 'dead_letters' | 'dead_letters_failure'>;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: HealthWatchOptions) {
    this.#options = options;
    this.#probes = probesOf(options);
    this.#facts = {
      held: null,
      topics: [],
      swept: null,
      reconciled: null,
      reconcile_seconds: options.contracts.reconcile?.interval_seconds ?? null,
      sweep_seconds: options.contracts.sweep?.interval_seconds ?? null,
      workers: null,
      contract_version: options.contracts.compiled.version,
      contracts: [],
      waiting: 0,
    };
  }

  start(): void {
    const again = (): void => {
      if (this.#closed) return;
      this.#looking = this.#look().finally(() => {
        if (!this.#closed) this.#timer = setTimeout(again, this.#options.everyMs ?? 5_000);
      });
    };
    again();
  }

  read(): Health {
    const { deadLetters } = this.#options;
    return healthOf({
      ...this.#facts,
      backends: this.#probes.map((probe) => probe.read()),
      dead_letters: deadLetters.read(),
      dead_letters_failure: deadLetters.failure,
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#looking;
  }

  /** What cannot be found out now is shown as not known; the probes say who does not answer. */
  async #look(): Promise<void> {
    const { pool, logger, contracts, names, deadLetters } = this.#options;
    deadLetters.open();
    const orNull = async <T>(what: string, answer: () => Promise<T>): Promise<T | null> => {
      try {
        return await answer();
      } catch (error) {
        logger.debug({ reason: errorText(error) }, `${what} could not be looked at`);
        return null;
      }
    };
    const question = selfPreservationQuestion(contracts, names);
    const { heartbeats } = bridgeTopics(contracts, names);
    const [held, swept, reconciled, topics, workers, written] = await Promise.all([
      orNull('self-preservation', async () => ({ state: await readSelfPreservation(pool, question), question })),
      orNull('the sweep', () => isSwept(pool, heartbeats[0])),
      orNull('the reconciler', () => readReconciliation(pool, heartbeats[0])),
      this.#topics(orNull),
      orNull('the task queue', () => this.#workers()),
      orNull('the contracts of the rows', () => this.#written()),
      ...this.#probes.map((probe) => probe.look()),
    ]);
    this.#facts = {
      ...this.#facts,
      held,
      swept: contracts.sweep === null ? null : swept,
      reconciled,
      topics,
      workers,
      contracts: written ?? [],
      waiting: written?.reduce((sum, { waiting }) => sum + waiting, 0) ?? 0,
    };
  }

  async #topics(
    orNull: <T>(what: string, answer: () => Promise<T>) => Promise<T | null>,
  ): Promise<HealthFacts['topics']> {
    const { pool, kafka, contracts, names } = this.#options;
    const topics = bridgeTopics(contracts, names);
    const behind = await orNull('the watermarks', () => readBehind(pool));
    const read = [
      { kind: 'heartbeats', keeps_watermark: true },
      { kind: 'acks', keeps_watermark: true },
      { kind: 'introspections', keeps_watermark: false },
    ] as const;
    const named = read.flatMap(({ kind, keeps_watermark }) =>
      topics[kind].map((topic) => ({ kind, topic, keeps_watermark })),
    );
    return Promise.all(
      named.map(async ({ kind, topic, keeps_watermark }) => {
        const waiting = await orNull(`the lag of ${topic}`, () => lag(kafka, topic, groupId(kind, names)));
        return {
          topic,
          keeps_watermark,
          lag: waiting,
          lag_before: this.#pastLags.before(topic, waiting, Date.now()),
          partitions: keeps_watermark ? (behind?.get(topic) ?? []) : [],
        };
      }),
    );
  }

  async #workers(): Promise<HealthFacts['workers']> {
    const { temporal, namespace, taskQueue } = this.#options;
    const since = Date.now() - 60_000;
    const { pollers } = await temporal.withDeadline(Date.now() + 3_000, () =>
      temporal.workflowService.describeTaskQueue({ namespace, taskQueue: { name: taskQueue }, taskQueueType: 1 }),
    );
    // Temporal remembers a poller for minutes after it has gone; a living one polls at least once a minute.
    const polling = (pollers ?? []).flatMap(({ identity, lastAccessTime }) =>
      Number(lastAccessTime?.seconds ?? 0) * 1_000 > since ? [identity ?? 'somebody'] : [],
    );
    return { polling: [...new Set(polling)], queue: taskQueue };
  }

  async #written(): Promise<{ version: string; nodes: number; waiting: number }[]> {
    const { pool, contracts } = this.#options;
    const { rows } = await pool.query<{ version: string; nodes: number; waiting: number }>(
      `select contract_version as version, count(*) as nodes,
         count(*) filter (where state = $1 and state_since < now() - interval '5 s') as waiting
       from node_registrations where ended_at is null group by 1 order by 2 desc`,
      [contracts.compiled.orchestrator.initial],
    );
    return rows;
  }
}

async function lag(admin: KafkaAdmin, topic: string, group: string): Promise<number> {
  const [ends, committed] = await Promise.all([admin.topicEnds(topic), admin.committed(group, topic)]);
  return ends.reduce(
    (sum, { partition, low, high }) =>
      sum + Number(high) - Math.max(Number(committed.get(partition) ?? low), Number(low)),
    0,
  );
}

function probesOf({
  pool,
  temporal,
  consul,
  kafka,
  contracts,
  names,
  namespace,
  addresses,
}: HealthWatchOptions): Probe[] {
  const { introspections } = bridgeTopics(contracts, names);
  return [
    new Probe({
      name: 'Consul',
      address: addresses.consul,
      slowMs: 200,
      check: async () => {
        const leader = await consul.call<string>((client, options) => client.status.leader(options));
        if (leader === '') throw new Error('it answers, but has no leader: a cluster without a leader takes no writes');
      },
      todo: 'Look at Consul’s servers and their logs. Registrations go on by themselves.',
    }),
    new Probe({
      name: 'PostgreSQL',
      address: addresses.postgres,
      slowMs: 200,
      check: async () => void (await pool.query('select 1')),
      todo: 'Look at the database server. Nothing expires and nothing is lost while it is away.',
    }),
    new Probe({
      name: 'Temporal',
      address: addresses.temporal,
      slowMs: 500,
      check: async () =>
        void (await temporal.withDeadline(Date.now() + 4_000, () =>
          temporal.workflowService.describeNamespace({ namespace }),
        )),
      todo: 'Look at Temporal’s server. Messages wait in Kafka until it is back.',
    }),
    new Probe({
      name: 'Kafka',
      address: addresses.kafka,
      slowMs: 500,
      check: async () => void (await kafka.topicEnds(introspections[0])),
      todo: 'Look at the brokers. While heartbeats cannot be read, nobody expires.',
    }),
  ];
}
