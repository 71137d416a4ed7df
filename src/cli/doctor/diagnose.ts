import type { Connection } from '@temporalio/client';
import { pino } from 'pino';
import pc from 'picocolors';
import { brakeQuestion } from '../../bridge/liveness/watch-self-preservation.js';
import { bridgeTopics, groupId } from '../../bridge/bridge-topics.js';
import type { Config } from '../../config.js';
import { loadContracts, type Contracts } from '../../contracts/load.js';
import { createKafka } from '../../kafka/index.js';
import { ConsulClient } from '../../registry/consul/client.js';
import { ConsulError } from '../../registry/consul/error.js';
import { isLocked } from '../../registry/advisory-lock.js';
import { createPool } from '../../registry/pool.js';
import { schemaVersion } from '../../registry/schema-version.js';
import { SEARCH_ATTRIBUTES } from '../../../workflows/messages.js';
import { brakeLine, reportBrake, type BrakeReport } from '../brake/self-preservation.js';
import { connectTemporal, unreachable } from '../connect.js';
import { wordsOf } from '../terminal/errors.js';
import { CliError } from '../terminal/exit-codes.js';
import { counted } from '../terminal/format.js';
import { command } from '../terminal/invocation.js';
import { postgresPlace } from '../setup/prepare.js';
import { allTopics } from '../setup/all-topics.js';

export interface Check {
  readonly about: 'contracts' | 'temporal' | 'kafka' | 'consul' | 'postgres' | 'liveness';
  /** What was looked at. */
  readonly what: string;
  readonly ok: boolean;
  /** What was found. */
  readonly found: string;
  /** What to do; null when all is well. */
  readonly todo: string | null;
}

export interface Diagnosis {
  readonly ok: boolean;
  readonly checks: readonly Check[];
}

const WITHIN_MS = 5_000;

/** Looks at every connection, and at what must be behind it. Changes nothing. */
export async function diagnose(config: Config): Promise<Diagnosis> {
  const { contracts, check } = checkContracts(config);
  const groups = await Promise.all([
    checkTemporal(config),
    contracts === null ? [] : checkKafka(config, contracts),
    checkConsul(config),
    checkPostgres(config, contracts),
  ]);
  const checks = [check, ...groups.flat()];
  return { ok: checks.every(({ ok }) => ok), checks };
}

// ---- each server

function checkContracts({ contractsDir }: Config): { readonly contracts: Contracts | null; readonly check: Check } {
  const about = { about: 'contracts', what: contractsDir } as const;
  try {
    const contracts = loadContracts(contractsDir);
    return { contracts, check: { ...about, ok: true, found: `version ${contracts.compiled.version}`, todo: null } };
  } catch (error) {
    return {
      contracts: null,
      check: {
        ...about,
        ok: false,
        found: wordsOf(error),
        todo: 'Correct these lines; a worker refuses to start with them.',
      },
    };
  }
}

async function checkTemporal(config: Config): Promise<Check[]> {
  const { address, namespace } = config.temporal;
  const answers = { about: 'temporal', what: `answers at ${address}, namespace ${namespace}` } as const;
  let connection: Connection;
  try {
    connection = await connectTemporal(config);
  } catch (error) {
    if (error instanceof CliError) return [failed(answers, error)];
    throw error;
  }
  try {
    return await connection.withDeadline(Date.now() + 2 * WITHIN_MS, async () => {
      try {
        await connection.workflowService.describeNamespace({ namespace });
      } catch (error) {
        return [
          {
            ...answers,
            ok: false,
            found: wordsOf(error),
            todo: 'Create the namespace, or set TEMPORAL_NAMESPACE to one that there is.',
          },
        ];
      }
      return [
        { ...answers, ok: true, found: 'yes', todo: null },
        await searchAttributes(connection, config),
        await poller(connection, config),
      ];
    });
  } catch (error) {
    return [failed(answers, unreachable(config, 'temporal', address, error))];
  } finally {
    await connection.close();
  }
}

async function searchAttributes(connection: Connection, { temporal: { namespace } }: Config): Promise<Check> {
  const names = Object.values(SEARCH_ATTRIBUTES).map(({ name }) => name);
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  const missing = names.filter((name) => customAttributes?.[name] === undefined);
  return verdict(
    'temporal',
    `search attributes ${names.join(', ')}`,
    missing.length === 0,
    missing.length === 0 ? 'all there' : `${missing.join(', ')} missing`,
    `Create them with '${command('setup')}'; without them no node is heard.`,
  );
}

async function poller(connection: Connection, { temporal: { namespace }, taskQueue }: Config): Promise<Check> {
  const since = Date.now() - 60_000;
  const polls = async (taskQueueType: number): Promise<string[]> => {
    const { pollers } = await connection.workflowService.describeTaskQueue({
      namespace,
      taskQueue: { name: taskQueue },
      taskQueueType,
    });
    // Temporal remembers a poller for minutes after it has gone; a living one polls at least once a minute.
    return pollers.flatMap(({ identity, lastAccessTime }) =>
      Number(lastAccessTime?.seconds ?? 0) * 1000 > since ? [identity ?? 'somebody'] : [],
    );
  };
  const [workflows, activities] = await Promise.all([polls(1), polls(2)]);
  const workers = workflows.filter((identity) => activities.includes(identity));
  return verdict(
    'temporal',
    `a worker polls task queue ${taskQueue}`,
    workers.length > 0,
    workers.length > 0 ? workers.join(', ') : 'nobody does',
    `Run '${command('worker')}' (or '${command('up')}'): until then nodes wait, and none is lost.`,
  );
}

async function checkKafka(config: Config, contracts: Contracts): Promise<Check[]> {
  const where = config.kafka.brokers.join(', ');
  const answers = { about: 'kafka', what: `answers at ${where}` } as const;
  const admin = createKafka({
    brokers: config.kafka.brokers,
    clientId: 'node-registrar-doctor',
    logger: pino({ level: 'silent' }),
  })
    .client(WITHIN_MS)
    .admin({ retry: { retries: 1, initialRetryTime: 100, maxRetryTime: 300 } });
  try {
    await admin.connect();
    const existing = new Set(await admin.listTopics());
    const topics = allTopics(contracts, config);
    const missing = topics.filter((topic) => !existing.has(topic));
    const present = topics.filter((topic) => existing.has(topic));
    const checks: Check[] = [
      { ...answers, ok: true, found: 'yes', todo: null },
      verdict(
        'kafka',
        `the contract's ${counted(topics.length, 'topic')}`,
        missing.length === 0,
        missing.length === 0 ? 'all there' : `missing: ${missing.join(', ')}`,
        `Create them with '${command('setup')}'.`,
      ),
    ];
    if (present.length > 0) {
      const setting = 'message.timestamp.type';
      const { resources } = await admin.describeConfigs({
        includeSynonyms: false,
        resources: present.map((name) => ({ type: TOPIC, name, configNames: [setting] })),
      });
      const other = resources.filter(({ configEntries }) =>
        configEntries.some(({ configName, configValue }) => configName === setting && configValue !== 'LogAppendTime'),
      );
      checks.push(
        verdict(
          'kafka',
          'records carry the broker’s time (LogAppendTime)',
          other.length === 0,
          other.length === 0 ? 'on every topic' : `not on ${other.map(({ resourceName }) => resourceName).join(', ')}`,
          `Nodes’ clocks then decide what is in time. Set it: kafka-configs --alter --entity-type topics --entity-name <topic> --add-config ${setting}=LogAppendTime`,
        ),
      );
    }
    const group = groupId('introspections', config);
    const { groups } = await admin.describeGroups([group]);
    const members = groups[0]?.members.length ?? 0;
    checks.push(
      verdict(
        'kafka',
        `a bridge reads (group ${group})`,
        members > 0,
        members > 0 ? counted(members, 'member') : 'nobody does',
        `Run '${command('bridge')}' (or '${command('up')}'): until then nodes' messages wait in Kafka.`,
      ),
    );
    return checks;
  } catch (error) {
    return [failed(answers, unreachable(config, 'kafka', where, error))];
  } finally {
    await admin.disconnect();
  }
}

/** Kafka's number for a topic among the things that have settings. */
const TOPIC = 2;

async function checkConsul(config: Config): Promise<Check[]> {
  const { httpAddr, token } = config.consul;
  const answers = { about: 'consul', what: `answers at ${httpAddr}, with a leader` } as const;
  const client = new ConsulClient({
    address: httpAddr,
    timeoutMs: WITHIN_MS,
    ...(token === undefined ? {} : { token }),
  });
  try {
    const leader = await client.call<string>((consul, options) => consul.status.leader(options as never));
    if (leader === '')
      return [
        {
          ...answers,
          ok: false,
          found: 'it answers, but has no leader',
          todo: 'A cluster without a leader takes no writes: see its own logs.',
        },
      ];
    return [{ ...answers, ok: true, found: leader, todo: null }, await consulWrites(client)];
  } catch (error) {
    if (error instanceof ConsulError && error.refused)
      return [{ ...answers, ok: false, found: error.message, todo: TOKEN }];
    return [failed(answers, unreachable(config, 'consul', httpAddr, error))];
  } finally {
    client.close();
  }
}

const TOKEN = 'Set CONSUL_HTTP_TOKEN to a token with node:write and service:write on "onex-".';

/** Asks for a deletion that cannot happen, of what is not there: permission is looked at first, and nothing is written. */
async function consulWrites(client: ConsulClient): Promise<Check> {
  const name = 'onex-doctor';
  const operations = [
    { Node: { Verb: 'delete-cas', Node: { Node: name, ModifyIndex: 1 } } },
    { Service: { Verb: 'delete-cas', Node: name, Service: { ID: name, Service: name, ModifyIndex: 1 } } },
  ];
  try {
    await client.call((consul, options) => consul.transaction.create(operations as never, options as never));
  } catch (error) {
    const denied = error instanceof ConsulError && error.refused;
    if (denied) return verdict('consul', 'may write nodes and services', false, error.message, TOKEN);
    if (!/stale|doesn't exist|not found|missing/i.test(wordsOf(error))) throw error;
  }
  return verdict('consul', 'may write nodes and services', true, 'yes', '');
}

async function checkPostgres(config: Config, contracts: Contracts | null): Promise<Check[]> {
  const where = postgresPlace(config);
  const answers = { about: 'postgres', what: `answers at ${where}` } as const;
  const pool = createPool(config.postgres.connectionString, { max: 1, connectTimeoutMs: WITHIN_MS });
  try {
    const { current, newest } = await schemaVersion(pool);
    const found =
      current === null
        ? 'never migrated'
        : `version ${current}${current > newest ? `, newer than this registrar's ${newest}` : ''}`;
    const checks: Check[] = [
      { ...answers, ok: true, found: 'yes', todo: null },
      verdict(
        'postgres',
        `migrated to version ${newest}`,
        current !== null && current >= newest,
        found,
        `Migrate it with '${command('setup')}'.`,
      ),
    ];
    // Tables of a version that is not there yet can't be asked about.
    if (current !== null && current >= newest) {
      const { rows } = await pool.query<{ may: boolean }>(
        "select bool_and(has_table_privilege(name, 'select') and has_table_privilege(name, 'insert') and has_table_privilege(name, 'update') and has_table_privilege(name, 'delete')) as may from unnest(array['node_registrations', 'node_leases', 'stream_watermarks', 'liveness_brake', 'lease_expiries']) as name",
      );
      const may = rows[0]?.may === true;
      checks.push(
        verdict(
          'postgres',
          'may read and write the tables',
          may,
          may ? 'yes' : 'no',
          'Grant select, insert, update and delete on the tables to this user.',
        ),
      );
      if (may && contracts !== null) checks.push(brakeCheck(await reportBrake(pool, brakeQuestion(contracts, config))));
      if (contracts !== null && contracts.sweep !== null)
        checks.push(sweepCheck(await isLocked(pool, bridgeTopics(contracts, config).heartbeats)));
    }
    return checks;
  } catch (error) {
    return [failed(answers, unreachable(config, 'postgres', where, error))];
  } finally {
    await pool.end();
  }
}

function sweepCheck(swept: boolean): Check {
  return verdict(
    'liveness',
    'a bridge looks for the silent',
    swept,
    swept ? 'yes' : 'nobody does',
    `Run '${command('bridge')}' (or '${command('up')}'): until then a dead node is found by its own timer only, hours later.`,
  );
}

function brakeCheck(report: BrakeReport): Check {
  return verdict(
    'liveness',
    'the brake on expiry',
    !report.held,
    brakeLine(report),
    `Are these nodes, their network or their Kafka down ('${command('list')}')? If they are gone for good: '${command('brake release')}'.`,
  );
}

// ---- words

function verdict(about: Check['about'], what: string, ok: boolean, found: string, todo: string): Check {
  return { about, what, ok, found, todo: ok ? null : todo };
}

function failed(check: Pick<Check, 'about' | 'what'>, error: CliError): Check {
  return { ...check, ok: false, found: error.message, todo: error.hint ?? null };
}

/** The diagnosis for a person. */
export function diagnosisText({ ok, checks }: Diagnosis): string {
  const lines = checks.flatMap(({ about, what, ok: good, found, todo }) => [
    `${good ? pc.green('✓') : pc.red('✗')} ${about.padEnd(9)}  ${what}: ${good ? found : pc.red(found)}`,
    ...(todo === null ? [] : [`  ${' '.repeat(9)}  ${pc.bold('→')} ${todo}`]),
  ]);
  const bad = checks.filter((check) => !check.ok).length;
  return [...lines, '', ok ? pc.green('All is well.') : pc.red(`${counted(bad, 'thing')} to see to.`)].join('\n');
}
