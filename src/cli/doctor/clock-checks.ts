import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { bridgeTopics } from '../../bridge/bridge-topics.js';
import type { Config } from '../../config/index.js';
import type { Contracts } from '../../contracts/load.js';
import { errorText } from '../../error-text.js';
import { createKafka, marker, openBrokersClock } from '../../kafka/index.js';
import { createPool } from '../../registry/pool.js';
import { connectTemporal } from '../connect.js';
import { ANSWER_WITHIN_MS, verdict, type Check } from './check.js';

/** Another machine's clock against this one's, in seconds: ahead where positive. */
interface Offset {
  readonly seconds: number;
  /** How far the truth may be from it: half of the time that the question took. */
  readonly within: number;
}

type Clock = (config: Config, contracts: Contracts) => Promise<Offset | string>;

/** A clock that is further off is worth a warning: seconds. */
const WARN_ABOVE_SECONDS = 1;

/** Compares this machine's clock with those of Kafka, PostgreSQL and Temporal. */
export async function checkClocks(config: Config, contracts: Contracts): Promise<Check[]> {
  const clocks: readonly (readonly [string, Clock])[] = [
    ['Kafka', kafkasClock],
    ['PostgreSQL', postgresClock],
    ['Temporal', temporalsClock],
  ];
  const checks: Check[] = [];
  for (const [name, ask] of clocks) {
    const what = `the clock of ${name} and this machine’s`;
    // A server that does not answer has a check of its own.
    const found = await ask(config, contracts).catch((error: unknown) => `not compared: ${errorText(error)}`);
    const isOff = typeof found !== 'string' && Math.abs(found.seconds) - found.within > WARN_ABOVE_SECONDS;
    const todo =
      "Synchronise the clocks (NTP), and run the doctor where the worker runs: acks are in time by Kafka's clock " +
      "(by the worker's, where Kafka does not show its own), leases expire by PostgreSQL's, timers fire by Temporal's.";
    checks.push(verdict('clocks', what, !isOff, typeof found === 'string' ? found : inWords(found), todo));
  }
  return checks;
}

function inWords({ seconds, within }: Offset): string {
  const off =
    Math.abs(seconds) <= within ? 'the same' : `${Math.abs(seconds).toFixed(2)} s ${seconds > 0 ? 'ahead' : 'behind'}`;
  return `${off}, give or take ${within.toFixed(2)} s`;
}

/** @param read answers that clock's time, milliseconds since 1970 */
async function offsetOf(read: () => Promise<number>): Promise<Offset> {
  const [before, started] = [Date.now(), performance.now()];
  const time = await read();
  const took = performance.now() - started;
  return { seconds: (time - before - took / 2) / 1_000, within: took / 2_000 };
}

async function postgresClock({ postgres }: Config): Promise<Offset> {
  const pool = createPool(postgres.connectionString, { max: 1, connectTimeoutMs: ANSWER_WITHIN_MS });
  const read = async (): Promise<number> => {
    const { rows } = await pool.query<{ time: number }>(
      'select (extract(epoch from clock_timestamp()) * 1000)::float8 as time',
    );
    return rows[0]?.time ?? Number.NaN;
  };
  try {
    // The first question opens the connection.
    await read();
    return await offsetOf(read);
  } finally {
    await pool.end();
  }
}

async function kafkasClock(config: Config, contracts: Contracts): Promise<Offset | string> {
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
async function temporalsClock(config: Config): Promise<Offset> {
  const connection = await connectTemporal(config);
  const { namespace } = config.temporal;
  const taskQueue = { name: `registrar-doctor-${randomUUID()}` };
  const polling = new AbortController();
  try {
    return await connection.withDeadline(Date.now() + ANSWER_WITHIN_MS, async () => {
      const ask = () => connection.workflowService.describeTaskQueue({ namespace, taskQueue, taskQueueType: 1 });
      await ask();
      const read = async (): Promise<number> => {
        const poll = connection.withAbortSignal(polling.signal, () =>
          connection.workflowService.pollWorkflowTaskQueue({ namespace, taskQueue, identity: 'registrar-doctor' }),
        );
        // It ends when it is aborted, and never with a task.
        void poll.catch(() => undefined);
        for (;;) {
          const { pollers } = await ask();
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
