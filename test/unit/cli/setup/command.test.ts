import { Connection } from '@temporalio/client';
import { Kafka, type Admin, type ITopicConfig } from 'kafkajs';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { runCommandLine } from '../../../../src/cli/main.js';
import { allTopics } from '../../../../src/cli/setup/all-topics.js';
import { EXIT } from '../../../../src/cli/terminal/exit-codes.js';
import { loadContracts } from '../../../../src/contracts/load.js';
import { temporaryFolder } from '../../../run/temporary-folder.js';

/** What `registrar setup` asks of a Kafka that has no topics; none of the other servers answers. */

let created: ITopicConfig[];
let printed: string;

beforeEach(() => {
  created = [];
  printed = '';
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => (printed += String(text)) !== '');
  const admin = {
    connect: () => Promise.resolve(),
    disconnect: () => Promise.resolve(),
    listTopics: () => Promise.resolve([]),
    fetchTopicMetadata: () => Promise.resolve({ topics: [] }),
    createTopics: ({ topics }: { readonly topics: ITopicConfig[] }) => Promise.resolve(created.push(...topics) > 0),
  };
  vi.spyOn(Kafka.prototype, 'admin').mockReturnValue(admin as unknown as Admin);
  vi.spyOn(Connection, 'connect').mockRejectedValue(new Error('no Temporal'));
  const env = {
    TEMPORAL_ADDRESS: '127.0.0.1:1',
    KAFKA_BROKERS: '127.0.0.1:1',
    DATABASE_URL: 'postgresql://registrar@127.0.0.1:1/registrar',
    REGISTRAR_DATA_DIR: temporaryFolder('setup'),
    REGISTRAR_ENV: 'prod',
  };
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

it.each<[options: readonly string[], partitions: number, replicas: number]>([
  [[], 6, -1],
  [['--partitions', '24', '--replication-factor', '3'], 24, 3],
])('setup %j makes each topic with %i partitions and replication factor %i', async (options, partitions, replicas) => {
  const topics = allTopics(loadContracts(), { env: 'prod', namespace: '' });
  expect(await runCommandLine(['node', 'registrar', 'setup', ...options])).toBe(EXIT.unreachable);
  // The others have failed; Kafka's part goes on by itself.
  await vi.waitFor(() => expect(printed).toContain(`${topics.length} topics created`), { timeout: 30_000 });
  expect(created.map(({ topic }) => topic).sort()).toEqual(topics.sort());
  const counts = created.map(({ numPartitions, replicationFactor }) => [numPartitions, replicationFactor]);
  expect(counts).toEqual(topics.map(() => [partitions, replicas]));
});
