import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { bridgeTopics } from '../../bridge/bridge-topics.js';
import type { Config } from '../../config/index.js';
import type { Contracts } from '../../contracts/load.js';
import { errorText } from '../../error-text.js';
import { createKafka, marker, openBrokersClock } from '../../kafka/index.js';
import {
  databaseOffset,
  isOff,
  keepsProcessClocks,
  offsetOf,
  readProcessClocks,
  type ClockOffset,
} from '../../registry/clocks.js';
import { createPool } from '../../registry/pool.js';
import { connectTemporal } from '../connect.js';
import { ANSWER_WITHIN_MS, verdict, type Check } from './check.js';

type Clock = (config: Config, contracts: Contracts) => Promise<ClockOffset | string>;

/**
 * Compares the clocks of Kafka, PostgreSQL and Temporal with this machine's, and those of worker and bridge with
 * PostgreSQL's.
 */
export async function checkClocks(config: Config, contracts: Contracts): Promise<Check[]> {
  const clocks: readonly (readonly [string, Clock])[] = [
    ['Kafka', kafkasClock],
    ['PostgreSQL', postgresClock],
    ['Temporal', temporalsClock],
  ];
  const checks: Check[] = [];
  for (const [name, offset] of clocks) {
    // A server that does not answer has a check of its own.
    const found = await offset(config, contracts).catch((error: unknown) => `not compared: ${errorText(error)}`);
    checks.push(verdictOf(`the clock of ${name} and this machine’s`, found));
  }
  return [...checks, ...(await checkProcesses(config))];
}

/** Each compares its own clock once a minute: they run on other machines. */
async function checkProcesses({ postgres }: Config): Promise<Check[]> {
  const pool = createPool(postgres.connectionString, { max: 1, connectTimeoutMs: ANSWER_WITHIN_MS });
  try {
    const found = (await keepsProcessClocks(pool)) ? await readProcessClocks(pool) : [];
    if (found.length === 0) return [verdictOf(PROCESSES, 'not compared: none runs, or each began just now')];
    return found.map((clock) => verdictOf(`the clock of ${clock.role} ${clock.process} and PostgreSQL’s`, clock));
  } catch (error) {
    return [verdictOf(PROCESSES, `not compared: ${errorText(error)}`)];
  } finally {
    await pool.end();
  }
}

const PROCESSES = 'the clocks of worker and bridge, and PostgreSQL’s';

const TODO =
  "Synchronise the clocks (NTP): acks are in time by Kafka's clock (by the worker's, where Kafka does not show its " +
  "own), leases expire by PostgreSQL's, timers fire by Temporal's.";

function verdictOf(what: string, found: ClockOffset | string): Check {
  return typeof found === 'string'
    ? verdict('clocks', what, true, found, TODO)
    : verdict('clocks', what, !isOff(found), inWords(found), TODO);
}

function inWords({ seconds, within }: ClockOffset): string {
  const off =
    Math.abs(seconds) <= within ? 'the same' : `${Math.abs(seconds).toFixed(2)} s ${seconds > 0 ? 'ahead' : 'behind'}`;
  return `${off}, give or take ${within.toFixed(2)} s`;
}

async function postgresClock({ postgres }: Config): Promise<ClockOffset> {
  const pool = createPool(postgres.connectionString, { max: 1, connectTimeoutMs: ANSWER_WITHIN_MS });
  try {
    return await databaseOffset(pool);
  } finally {
    await pool.end();
  }
}

async function kafkasClock(config: Config, contracts: Contracts): Promise<ClockOffset | string> {
  if (!contracts.stream_markers) return 'not compared: it is read by a marker, and the contract sends none';
  const kafka = createKafka({ ...config.kafka, clientId: 'node-registrar-doctor', logger: pino({ level: 'silent' }) });
  const [topic] = bridgeTopics(contracts, config).heartbeats;
  const clock = await openBrokersClock(kafka, marker(topic, 0, 'doctor', 0), ANSWER_WITHIN_MS);
  try {
    if ((await clock.read()) === null) return `not compared: ${topic} keeps its senders' times`;
    return await offsetOf(async () => (await clock.read()) ?? Number.NaN);
  } finally {
    await clock.close();
  }
}

/**
 * Temporal answers no question for its time, but notes when a task queue was polled last: here one that is nobody's.
 */
async function temporalsClock(config: Config): Promise<ClockOffset> {
  const connection = await connectTemporal(config);
  const { namespace } = config.temporal;
  const taskQueue = { name: `registrar-doctor-${randomUUID()}` };
  const polling = new AbortController();
  try {
    return await connection.withDeadline(Date.now() + ANSWER_WITHIN_MS, async () => {
      const describe = () => connection.workflowService.describeTaskQueue({ namespace, taskQueue, taskQueueType: 1 });
      await describe();
      const read = async (): Promise<number> => {
        const poll = connection.withAbortSignal(polling.signal, () =>
          connection.workflowService.pollWorkflowTaskQueue({ namespace, taskQueue, identity: 'registrar-doctor' }),
        );
        // It ends when it is aborted, and never with a task.
        void poll.catch(() => undefined);
        for (;;) {
          const { pollers } = await describe();
          const polled = pollers[0]?.lastAccessTime;
          if (polled) return Number(polled.seconds) * 1_000 + (polled.nanos ?? 0) / 1e6;
        }
      };
      return await offsetOf(read);
    });
  } finally {
    polling.abort();
    await connection.close();
  }
}
