import { randomUUID } from 'node:crypto';
import { Client, Connection, WorkflowFailedError, WorkflowNotFoundError } from '@temporalio/client';
import pRetry from 'p-retry';
import { PROBE_TYPE, workflowId } from '../../../workflows/messages.js';
import { bridgeTopics } from '../../bridge/bridge-topics.js';
import type { Config } from '../../config.js';
import type { Contracts } from '../../contracts/load.js';
import { createKafka, createProducer, type EventProducer } from '../../kafka/index.js';
import { buildIntrospection } from '../../protocol/introspection.js';
import { temporalOptions } from '../connect.js';

/** Side by side, and again: servers that have just started, and a worker too, are slow with what they do for the first time. */
const SIDE_BY_SIDE = 10;
const ROUNDS = 4;
/** Long enough for servers that are only slow; what is away or refuses for longer must not keep the registrar from starting. */
const WITHIN_MS = 15_000;

/**
 * Proves that the registrar works before it is said to be up: probes go the way
 * of every node, through Kafka, the bridge, Temporal and the worker, and to
 * every backend. They change nothing.
 *
 * @returns what is wrong, in words; null when all probes came back
 */
export async function probe(config: Config, contracts: Contracts): Promise<string | null> {
  const connection = await Connection.connect(temporalOptions(config));
  const producer = createProducer(createKafka({ brokers: config.kafka.brokers, clientId: 'node-registrar-probe' }));
  const signal = AbortSignal.timeout(WITHIN_MS);
  try {
    const client = new Client({ connection, namespace: config.temporal.namespace });
    const { introspections } = bridgeTopics(contracts, config);
    const once = (): Promise<unknown>[] => [
      askBackends(client, config),
      sayGoodbye(client, producer, introspections, signal),
    ];
    for (let round = 0; round < ROUNDS; round++) await Promise.all(Array.from({ length: SIDE_BY_SIDE }, once).flat());
    return null;
  } catch (error) {
    if (!(error instanceof WorkflowFailedError) && !signal.aborted) throw error;
    return `a probe of bridge, worker and backends did not come back within ${WITHIN_MS / 1000} s: nodes will wait too; 'registrar doctor' tells what for`;
  } finally {
    await Promise.all([producer.close(), connection.close()]);
  }
}

async function askBackends(client: Client, config: Config): Promise<void> {
  await client.workflow.execute(PROBE_TYPE, {
    workflowId: `registrar-probe/${randomUUID()}`,
    taskQueue: config.taskQueue,
    workflowExecutionTimeout: WITHIN_MS,
    staticSummary: 'Does the registrar work? Asks every backend and changes nothing',
  });
}

/** A node that never was says that it leaves: its run finds nothing to do. */
async function sayGoodbye(client: Client, producer: EventProducer, topic: string, signal: AbortSignal): Promise<void> {
  const node_id = `registrar-probe-${randomUUID()}`;
  const goodbye = {
    node_id,
    node_type: 'effect',
    node_version: '0.0.0',
    correlation_id: randomUUID(),
    endpoints: {},
    capabilities: [],
    reason: 'shutdown',
  } as const;
  await producer.send([{ topic, ...buildIntrospection(goodbye, new Date()) }]);
  await pRetry(() => client.workflow.getHandle(workflowId(node_id)).result(), {
    retries: Infinity,
    minTimeout: 25,
    factor: 1,
    signal,
    shouldRetry: ({ error }) => error instanceof WorkflowNotFoundError,
  });
}
