import { pino } from 'pino';
import { groupId } from '../../bridge/bridge-topics.js';
import type { Config } from '../../config/index.js';
import type { Contracts } from '../../contracts/load.js';
import { createKafka, openCluster, type Cluster } from '../../kafka/index.js';
import { unreachable } from '../connect.js';
import { allTopics } from '../setup/all-topics.js';
import { counted } from '../terminal/format.js';
import { command } from '../terminal/invocation.js';
import { ANSWER_WITHIN_MS, failed, verdict, type Check, type Scope } from './check.js';

/** Kafka answers and has the contract's topics, with the broker's time; a bridge reads them. */
export async function checkKafka(config: Config, contracts: Contracts, { running }: Scope): Promise<Check[]> {
  const { brokers } = config.kafka;
  const where = brokers.join(', ');
  const answers = { about: 'kafka', what: `answers at ${where}` } as const;
  const kafka = createKafka({ ...config.kafka, clientId: 'node-registrar-doctor', logger: pino({ level: 'silent' }) });
  let cluster: Cluster | undefined;
  try {
    cluster = await openCluster(kafka, ANSWER_WITHIN_MS);
    const existing = await cluster.topics();
    const topics = allTopics(contracts, config);
    const missing = topics.filter((topic) => !existing.has(topic));
    const present = topics.filter((topic) => existing.has(topic));
    return [
      { ...answers, ok: true, found: 'yes', todo: null },
      verdict(
        'kafka',
        `the contract's ${counted(topics.length, 'topic')}`,
        missing.length === 0,
        missing.length === 0 ? 'all there' : `missing: ${missing.join(', ')}`,
        `Create them with '${command('setup')}'.`,
      ),
      ...(present.length > 0 ? [await checkTimestamps(cluster, present)] : []),
      ...(running ? [await checkBridge(cluster, groupId('introspections', config))] : []),
    ];
  } catch (error) {
    return [failed(answers, unreachable(config, 'kafka', where, error))];
  } finally {
    await cluster?.close();
  }
}

const TIMESTAMP_TYPE = 'message.timestamp.type';

async function checkTimestamps(cluster: Cluster, topics: readonly string[]): Promise<Check> {
  const types = await cluster.topicSetting(topics, TIMESTAMP_TYPE);
  const other = topics.filter((topic) => types.get(topic) !== 'LogAppendTime');
  return verdict(
    'kafka',
    'records carry the broker’s time (LogAppendTime)',
    other.length === 0,
    other.length === 0 ? 'on every topic' : `not on ${other.join(', ')}`,
    'Records then count from when they are read. Set it: kafka-configs --alter --entity-type topics ' +
      `--entity-name <topic> --add-config ${TIMESTAMP_TYPE}=LogAppendTime`,
  );
}

async function checkBridge(cluster: Cluster, group: string): Promise<Check> {
  const members = (await cluster.members(group)).length;
  return verdict(
    'kafka',
    `a bridge reads (group ${group})`,
    members > 0,
    members > 0 ? counted(members, 'member') : 'nobody does',
    `Run '${command('bridge')}' (or '${command('up')}'): until then nodes' messages wait in Kafka.`,
  );
}
