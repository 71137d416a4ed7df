import { pino } from 'pino';
import { groupId } from '../../bridge/bridge-topics.js';
import type { Config } from '../../config.js';
import type { Contracts } from '../../contracts/load.js';
import { createKafka } from '../../kafka/index.js';
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
  const admin = adminOf(brokers);
  try {
    await admin.connect();
    const existing = new Set(await admin.listTopics());
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
      ...(present.length > 0 ? [await checkTimestamps(admin, present)] : []),
      ...(running ? [await checkBridge(admin, groupId('introspections', config))] : []),
    ];
  } catch (error) {
    return [failed(answers, unreachable(config, 'kafka', where, error))];
  } finally {
    await admin.disconnect();
  }
}

type Admin = ReturnType<typeof adminOf>;

function adminOf(brokers: readonly string[]) {
  return createKafka({ brokers, clientId: 'node-registrar-doctor', logger: pino({ level: 'silent' }) })
    .client(ANSWER_WITHIN_MS)
    .admin({ retry: { retries: 1, initialRetryTime: 100, maxRetryTime: 300 } });
}

const TIMESTAMP_TYPE = 'message.timestamp.type';
/** Kafka's number for a topic among the things that have settings. */
const TOPIC = 2;

async function checkTimestamps(admin: Admin, topics: readonly string[]): Promise<Check> {
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: topics.map((name) => ({ type: TOPIC, name, configNames: [TIMESTAMP_TYPE] })),
  });
  const other = resources.filter(({ configEntries }) =>
    configEntries.some(
      ({ configName, configValue }) => configName === TIMESTAMP_TYPE && configValue !== 'LogAppendTime',
    ),
  );
  return verdict(
    'kafka',
    'records carry the broker’s time (LogAppendTime)',
    other.length === 0,
    other.length === 0 ? 'on every topic' : `not on ${other.map(({ resourceName }) => resourceName).join(', ')}`,
    `Nodes’ clocks then decide what is in time. Set it: kafka-configs --alter --entity-type topics --entity-name <topic> --add-config ${TIMESTAMP_TYPE}=LogAppendTime`,
  );
}

async function checkBridge(admin: Admin, group: string): Promise<Check> {
  const { groups } = await admin.describeGroups([group]);
  const members = groups[0]?.members.length ?? 0;
  return verdict(
    'kafka',
    `a bridge reads (group ${group})`,
    members > 0,
    members > 0 ? counted(members, 'member') : 'nobody does',
    `Run '${command('bridge')}' (or '${command('up')}'): until then nodes' messages wait in Kafka.`,
  );
}
