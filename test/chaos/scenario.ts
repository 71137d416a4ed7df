import type { ServerName } from '../../src/stack/index.js';
import type { Role, Target } from './world/targets.js';
import type { World } from './world/world.js';

/** One kind of trouble, in a file of its own under scenarios/. */
export interface Scenario {
  /** In words, for the table. */
  readonly what: string;
  /** Everything that worker and bridge send to a server goes through a proxy that can cut it. */
  readonly proxied?: true;
  /** Size of the file system that PostgreSQL's data are on, in MB. Default: the machine's own. */
  readonly postgresMb?: number;
  /** Kafka is three brokers, as KafkaCluster has them. */
  readonly threeBrokers?: true;
  /** By how many seconds the clock of worker, bridge or nodes is off. */
  readonly clocks?: Readonly<Partial<Record<Role | 'nodes', number>>>;
  readonly disturb: (world: World) => Promise<void>;
}

export const SERVERS = ['temporal', 'kafka', 'consul', 'postgres'] as const satisfies readonly ServerName[];
export const TARGETS = ['worker', 'bridge', ...SERVERS] as const satisfies readonly Target[];
