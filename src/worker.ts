import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import type { WorkerDeploymentVersion } from '@temporalio/common';
import { NativeConnection, Worker, type WorkerOptions, type WorkflowBundle } from '@temporalio/worker';
import pRetry from 'p-retry';
import type { Pool } from 'pg';
import { consulDeregister } from '../activities/consul-deregister.js';
import { consulPass } from '../activities/consul-pass.js';
import { consulRegister } from '../activities/consul-register.js';
import { openAttempt } from '../activities/open-attempt.js';
import { postgresUpdateRegistration } from '../activities/postgres-update-registration.js';
import { postgresUpsertRegistration } from '../activities/postgres-upsert-registration.js';
import { publishEvents } from '../activities/publish-events.js';
import { verifyAcksRead } from '../activities/verify-acks-read.js';
import { verifyLease } from '../activities/verify-lease.js';
import type { Activities } from '../activities/api.js';
import { bridgeEvent } from './bridge/bridge-event.js';
import { bridgeTopics } from './bridge/bridge-topics.js';
import { environmentName, topicName } from './protocol/topics.js';
import { bundleWorkflows } from './bundle.js';
import { temporalConnection, type Config } from './config/index.js';
import { loadContracts, type Contracts } from './contracts/load.js';
import { errorText } from './error-text.js';
import { batched, BrokerTime, createKafka, createProducer, type EventProducer } from './kafka/index.js';
import { workerDataConverter } from './payloads/data-converter.js';
import { withEncodedFailures } from './payloads/workflow-failures.js';
import { whyNotPolling } from './polling.js';
import { connectionFault } from './runs/connection-fault.js';
import { Catalog } from './registry/consul/catalog.js';
import { createPool } from './registry/pool.js';
import { logger } from './telemetry.js';
import { receiveLogIds } from './tracing/carry-log-ids.js';
import type { Tracing } from './tracing/index.js';
import { watchClock } from './watch-clock.js';

const log = logger('worker');

/** A worker that is connected; `run` returns once it was shut down and everything is closed. */
export interface RegistrarWorker {
  run(): Promise<void>;
  /** Why it does not poll its task queue; null while it does. */
  notReady(): Promise<string | null>;
  /** Finishes the tasks that it holds. */
  shutdown(): void;
}

export interface WorkerOpening {
  /** Workflows to run instead of ours, with the same activities and settings. */
  readonly bundle?: WorkflowBundle;
  /** Where activities are spans of a trace. */
  readonly tracing?: Tracing | undefined;
  /** With which Temporal knows it, and by which it is given tasks; without, it takes those that have no version. */
  readonly version?: WorkerDeploymentVersion | undefined;
}

/**
 * Connects a worker of the registration workflow and its activities. It waits
 * for a Temporal server that is not there yet; contracts are loaded once, here.
 *
 * @throws ContractError when the contracts do not hold together, before anything is connected
 * @throws ConfigError when the keys of payloads cannot be used, likewise
 */
export async function openWorker(
  config: Config,
  { bundle, tracing, version }: WorkerOpening = {},
): Promise<RegistrarWorker> {
  const contracts = loadContracts(config.contractsDir);
  const converter = workerDataConverter(config);
  const [workflows, connection] = await Promise.all([bundle ?? workflowCode(), connect(config)]);
  const pool = createPool(config.postgres.connectionString);
  const catalog = new Catalog(config.consul, environmentName(config));
  const time = new BrokerTime();
  const producer = batched(
    createProducer(createKafka({ ...config.kafka, clientId: 'node-registrar-worker', logger: logger('kafka') }), time),
    PUBLISH_WAIT_MS,
  );
  const close = (): Promise<unknown> => {
    catalog.close();
    return Promise.allSettled([producer.close(), pool.end(), connection.close()]);
  };
  try {
    const creating = withShortStacks(() =>
      Worker.create({
        connection,
        namespace: config.temporal.namespace,
        taskQueue: config.taskQueue,
        activities: activitiesOf(config, contracts, { pool, catalog, producer, time }),
        workflowBundle: config.payloadKeys === undefined ? workflows : withEncodedFailures(workflows),
        ...converter,
        interceptors: { activity: [receiveLogIds, ...(tracing === undefined ? [] : [tracing.activity])] },
        ...(version === undefined ? {} : versioned(version)),
        ...TUNING,
      }),
    );
    // Introspection is asked for by the bridge alone, and a worker may have no right to do so.
    const { introspectionRequests } = bridgeTopics(contracts, config);
    const topics = Object.values(contracts.topics)
      .map((template) => topicName(template, config))
      .filter((topic) => topic !== introspectionRequests);
    const [worker] = await Promise.all([creating, openConnections({ pool, catalog, producer, time }, topics)]);
    return {
      async run() {
        log.info({ taskQueue: config.taskQueue, contract: contracts.compiled.version, ...version }, 'worker runs');
        const clock = watchClock(pool, 'worker', log);
        await worker.run().finally(async () => {
          await clock.stop();
          await close();
        });
      },
      notReady: () => whyNotPolling(worker, connection),
      shutdown: () => worker.shutdown(),
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * What is not named here is as Temporal's library has it: fewer slots and pollers of workflow tasks made the first of
 * ten nodes faster and the last slower.
 */
const TUNING = {
  // 0.4 MB each (measured: 450 more nodes, 173 MB more). Those that are well are evicted for it, and replayed in 30 ms
  // when they have something to do, once in three hours.
  maxCachedWorkflows: 1_000,
  // Four for each connection to PostgreSQL: more would only queue there, with their second and a half running out.
  maxConcurrentLocalActivityExecutions: 40,
  maxConcurrentActivityTaskExecutions: 40,
  // A process that is killed instead loses nothing, but its tasks wait for their timeouts.
  shutdownGraceTime: '10s',
  // A worker that was frozen for longer than this within a workflow's code has that code cut short, which may end it as
  // a whole (docs/decisions/histories-that-cannot-be-replayed.md). The library's default is 5 s.
  isolateExecutionTimeout: '1 hour',
} as const;

/** Runs move to the version that is current, at their next task (docs/decisions/runs-move-to-the-newest-worker.md). */
function versioned(version: WorkerDeploymentVersion): Pick<WorkerOptions, 'workerDeploymentOptions'> {
  return {
    workerDeploymentOptions: { useWorkerVersioning: true, version, defaultVersioningBehavior: 'AUTO_UPGRADE' },
  };
}

/** Enough to name the line that failed; what a node waits for, its current details and timers say. */
const SANDBOX_STACK_FRAMES = 2;

/**
 * The sandbox takes a stack trace for every promise of a workflow, which was a
 * third of the workflow thread's work. V8 gives a context the limit that is set
 * when the context is made; the rest of the process keeps its own.
 */
async function withShortStacks<Made>(make: () => Promise<Made>): Promise<Made> {
  setFlagsFromString(`--stack-trace-limit=${SANDBOX_STACK_FRAMES}`);
  try {
    return await make();
  } finally {
    setFlagsFromString(`--stack-trace-limit=${Error.stackTraceLimit}`);
  }
}

interface Backends {
  readonly pool: Pool;
  readonly catalog: Catalog;
  readonly producer: EventProducer;
  readonly time: BrokerTime;
}

function activitiesOf(config: Config, contracts: Contracts, { pool, catalog, producer, time }: Backends): Activities {
  const { compiled } = contracts;
  const topics = bridgeTopics(contracts, config);
  const letters = bridgeEvent(compiled, 'dead_letter', topics.deadLetters);
  return {
    open_attempt: openAttempt(pool, compiled),
    publish_events: publishEvents(producer, {
      ...config,
      deadLetter: { ...letters, tags: letters.tags({}) },
      now: () => time.now(),
    }),
    verify_lease: verifyLease(pool, {
      heartbeatTopics: topics.heartbeats,
      contractVersion: () => compiled.version,
      selfPreservation: contracts.selfPreservation,
      isSwept: contracts.sweep !== null,
    }),
    verify_acks_read: verifyAcksRead(pool, { ackTopics: topics.acks }),
    'consul.register': consulRegister(catalog),
    'consul.pass': consulPass(catalog),
    'consul.deregister': consulDeregister(catalog),
    'postgres.upsert_registration': postgresUpsertRegistration(pool),
    'postgres.update_registration': postgresUpdateRegistration(pool),
  };
}

/** Below the 1.5 s of a local activity, so that nothing is sent for one that has given up. */
const PUBLISH_WAIT_MS = 1_000;

const FIRST_CONNECTIONS = 4;
const CONNECT_WITHIN_MS = 2_000;

/**
 * Opens the first connections, so that the first node need not wait for them. They are only opened: nothing is sent
 * through them but a question. A backend that is away now is no reason not to start: its activities retry.
 */
async function openConnections({ pool, catalog, producer }: Backends, topics: readonly string[]): Promise<void> {
  const opening = Promise.allSettled([
    // Nothing of ours: at a first start the tables may not be there yet.
    ...Array.from({ length: FIRST_CONNECTIONS }, () => pool.query('select')),
    catalog.instance('', AbortSignal.timeout(CONNECT_WITHIN_MS)),
    producer.connect(topics),
  ]);
  const results = await Promise.race([
    opening,
    new Promise<[]>((resolve) => setTimeout(resolve, CONNECT_WITHIN_MS, []).unref()),
  ]);
  for (const result of results)
    if (result.status === 'rejected') log.info({ reason: errorText(result.reason) }, 'a backend does not answer yet');
}

/** A built worker starts with the checked bundle that was built with it; from source, it is made now. */
async function workflowCode(): Promise<WorkflowBundle> {
  const built = fileURLToPath(new URL('../workflow-bundle.js', import.meta.url));
  return existsSync(built) ? { code: await readFile(built, 'utf8') } : bundleWorkflows();
}

/** A worker whose server was never there does not retry by itself. */
function connect({ temporal }: Config): Promise<NativeConnection> {
  const { address } = temporal;
  let said = false;
  return pRetry(() => NativeConnection.connect(temporalConnection(temporal)), {
    retries: Infinity,
    minTimeout: 200,
    factor: 1.5,
    maxTimeout: 5_000,
    async onFailedAttempt({ error }) {
      if (said) return;
      said = true;
      const fault = await connectionFault(temporal, error);
      if (fault === null) log.info({ address, reason: error.message }, 'waiting for Temporal');
      else log.error({ address }, `waiting for Temporal, which ${fault.what}. ${fault.todo}`);
    },
  });
}
