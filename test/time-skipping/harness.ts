import { randomUUID } from 'node:crypto';
import proto from '@temporalio/proto';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import { WithStartWorkflowOperation, type Client, type WorkflowHandle } from '@temporalio/client';
import type { Activities } from '../../activities/api.js';
import { loadContracts } from '../../src/contracts/load.js';
import type { CompiledContract } from '../../src/contracts/compiled.js';
import type { DrainRequest } from '../../src/protocol/drain-request.js';
import type { Introspection } from '../../src/protocol/introspection.js';
import { provisionTestServer } from '../../src/stack/index.js';
import type { Status } from '../../workflows/details.js';
import {
  ACK_SIGNAL,
  DRAIN,
  INTROSPECTION_SIGNAL,
  COMMAND_UPDATE,
  REQUEST_SIGNAL,
  RETRY,
  UNDRAIN,
  type CommandRequest,
  STATUS_QUERY,
  SUSPECT_SIGNAL,
  workflowId,
  WORKFLOW_TYPE,
  type AckSignal,
} from '../../workflows/messages.js';
import type { Outcome, registration, Start } from '../../workflows/registration.js';
import { errorsOnlyRuntime } from '../run/errors-only-runtime.js';
import { workflowBundle } from '../run/workflow-bundle.js';
import { othersAtRest } from './others-at-rest.js';
import { World } from './world.js';

/** A workflow that does not get where a test wants it keeps the test for so long: with mutants that is often. */
const PATIENCE_SECONDS = Number(process.env['TEST_PATIENCE_SECONDS'] ?? 20);

type Handle = WorkflowHandle<(start: Start) => Promise<Outcome>>;

/** A time-skipping server with a worker of the real workflow, and the fake world around it. */
export interface Harness {
  readonly env: TestWorkflowEnvironment;
  readonly world: World;
  /** An introspection of a fresh node, with what the test cares about. */
  introspection(changes?: Partial<Introspection>): Promise<Introspection>;
  /** As the bridge does it. */
  introduce(introspection: Introspection): Promise<Handle>;
  /** As the sweep does it. */
  suspect(node_id: string): Promise<Handle>;
  /** As an operator does it; answers the new attempt's number. */
  retry(node_id: string): Promise<number>;
  /** As an operator does it; answers the attempt's number. */
  command(node_id: string, request: CommandRequest): Promise<number>;
  /** As the bridge does it with what a node asks for itself. */
  request(node_id: string, draining: boolean, changes?: Partial<DrainRequest>): Promise<DrainRequest>;
  ack(node_id: string, changes?: Partial<AckSignal>): Promise<void>;
  status(node_id: string): Promise<Status>;
  /** Waits, in real time, until the workflow is where the test wants it: time is skipped only after that. */
  until(node_id: string, what: string, holds: (status: Status) => boolean): Promise<Status>;
  untilState(node_id: string, state: string): Promise<Status>;
  sleep(seconds: number): Promise<void>;
  /**
   * Ends worker and server.
   *
   * @throws Error when they do not end, with what they wait for; or when a schema has refused an event
   */
  stop(): Promise<void>;
}

export const TASK_QUEUE = 'registration';

/** An operator's command, for a node that has a run or had one. */
export function command(client: Client, node_id: string, request: CommandRequest): Promise<number> {
  return client.workflow.executeUpdateWithStart<typeof registration, number, [CommandRequest]>(COMMAND_UPDATE, {
    args: [request],
    startWorkflowOperation: new WithStartWorkflowOperation(WORKFLOW_TYPE, {
      workflowId: workflowId(node_id),
      taskQueue: TASK_QUEUE,
      args: [{ node_id }],
      workflowIdConflictPolicy: 'USE_EXISTING',
    }),
  });
}

/** A time-skipping server that knows the registrar's search attributes. */
export async function startServer(): Promise<TestWorkflowEnvironment> {
  errorsOnlyRuntime();
  const env = await TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: { type: 'existing-path', path: await provisionTestServer() } },
  });
  const keyword = proto.temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD;
  await env.connection.operatorService.addSearchAttributes({
    namespace: 'default',
    searchAttributes: { NodeId: keyword, NodeType: keyword, RegistrationState: keyword },
  });
  return env;
}

/**
 * Waits for something that ends soon, if it ends at all.
 *
 * @param what is waited for, for the error
 * @param seconds how long
 * @param why what the error says besides
 * @throws Error when it has not ended by then
 */
async function within<T>(what: string, seconds: number, ends: Promise<T>, why: () => string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} within ${seconds} s: ${why()}`)), seconds * 1000);
  });
  try {
    return await Promise.race([ends, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * A worker of the real workflow, with a test's activities.
 *
 * @param inFlight names the calls that the worker may be waiting for
 * @param stopsWithinSeconds how long worker and server may take to end
 * @returns ends it, and the server with it; throws when one of them does not end
 */
export async function startWorker(
  env: TestWorkflowEnvironment,
  activities: Activities,
  inFlight: () => readonly string[] = () => [],
  stopsWithinSeconds = 30,
): Promise<() => Promise<void>> {
  const worker = await Worker.create({
    connection: env.nativeConnection,
    taskQueue: TASK_QUEUE,
    workflowBundle: await workflowBundle(),
    activities,
  });
  const running = worker.run();
  return async () => {
    worker.shutdown();
    const calls = (): string => inFlight().join(', ') || 'none';
    try {
      await within('the worker did not stop', stopsWithinSeconds, running, () => {
        return `it is ${worker.getState()}, calls held in flight: ${calls()}`;
      });
    } finally {
      await within('the time-skipping server did not stop', stopsWithinSeconds, env.teardown(), () => {
        return `the worker is ${worker.getState()}`;
      });
    }
  };
}

/** In this many milliseconds of ours, a sleep that skips time has skipped more than it took. */
const SKIPPED_BY_THEN_MS = 10_000;

/**
 * Sleeps in skipped time. The server locks time for each task that is out, and keeps the lock of one that nobody
 * answers any more: of an activity whose run has ended, of a workflow task that it has refused. Such a lock is undone.
 */
async function sleepSkipping(env: TestWorkflowEnvironment, seconds: number): Promise<void> {
  const { testService } = env.connection;
  if (testService === undefined) throw new Error('this server skips no time');
  const slept = env.sleep(seconds * 1000).then(() => true);
  for (;;) {
    const before = await env.currentTimeMs();
    const passed = new Promise<boolean>((resolve) => setTimeout(resolve, SKIPPED_BY_THEN_MS, false).unref());
    if (await Promise.race([slept, passed])) return;
    const skipped = (await env.currentTimeMs()) - before;
    if (skipped < 2 * SKIPPED_BY_THEN_MS) await testService.unlockTimeSkipping({});
  }
}

/**
 * @param contract what the worker's activities hand out; the shipped contract by default
 * @param stopsWithinSeconds how long its end may take
 */
export async function startHarness(
  contract: CompiledContract = loadContracts().compiled,
  stopsWithinSeconds?: number,
): Promise<Harness> {
  const env = await startServer();
  const world = new World(env, contract);
  world.othersAtRest = (held) => othersAtRest(env.client, held);
  const stop = await startWorker(env, world.activities(), () => [...world.inFlight], stopsWithinSeconds);
  const handle = (node_id: string): Handle => env.client.workflow.getHandle(workflowId(node_id));
  const status = (node_id: string): Promise<Status> => handle(node_id).query<Status>(STATUS_QUERY);

  const harness: Harness = {
    env,
    world,
    async introspection(changes = {}) {
      const node_id = changes.node_id ?? randomUUID();
      return {
        message_id: randomUUID(),
        correlation_id: randomUUID(),
        node_id,
        node_type: 'effect',
        node_version: '1.2.3',
        endpoints: { health: 'http://10.0.0.1:8080/health' },
        capabilities: ['registration.storage'],
        reason: 'startup',
        epoch: null,
        at: await world.now(),
        ...changes,
      };
    },
    introduce: (introspection) =>
      env.client.workflow.signalWithStart(WORKFLOW_TYPE, {
        workflowId: workflowId(introspection.node_id),
        taskQueue: TASK_QUEUE,
        args: [{ node_id: introspection.node_id }],
        signal: INTROSPECTION_SIGNAL,
        signalArgs: [introspection],
      }),
    suspect: (node_id) =>
      env.client.workflow.signalWithStart(WORKFLOW_TYPE, {
        workflowId: workflowId(node_id),
        taskQueue: TASK_QUEUE,
        args: [{ node_id }],
        signal: SUSPECT_SIGNAL,
      }),
    retry: (node_id) => command(env.client, node_id, RETRY),
    command: (node_id, request) => command(env.client, node_id, request),
    async request(node_id, draining, changes = {}) {
      const { registration } = await status(node_id);
      const request: DrainRequest = {
        message_id: randomUUID(),
        node_id,
        correlation_id: registration?.incarnation?.correlation_id ?? '',
        draining,
        reason: null,
        at: await world.now(),
        ...changes,
      };
      const { event_model } = request.draining ? DRAIN : UNDRAIN;
      await handle(node_id).signal(REQUEST_SIGNAL, { event_model, payload: request });
      return request;
    },
    async ack(node_id, changes = {}) {
      const { registration } = await status(node_id);
      const ack: AckSignal = {
        message_id: randomUUID(),
        node_id,
        correlation_id: registration?.incarnation?.correlation_id ?? '',
        at: await world.now(),
        ...changes,
      };
      await handle(node_id).signal(ACK_SIGNAL, ack);
    },
    status,
    async until(node_id, what, holds) {
      let seen: Status | undefined;
      for (const end = Date.now() + PATIENCE_SECONDS * 1000; Date.now() < end;) {
        seen = await status(node_id);
        if (holds(seen)) return seen;
        world.assertNothingRefused();
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
      throw new Error(
        `${node_id} was not ${what} within ${PATIENCE_SECONDS} s; it was ${JSON.stringify(seen, null, 1)}`,
      );
    },
    untilState: (node_id, state) =>
      harness.until(
        node_id,
        `in state ${state}`,
        ({ registration }) => registration?.state === state && registration.entering === null,
      ),
    sleep: (seconds) => sleepSkipping(env, seconds),
    async stop() {
      await stop();
      world.assertNothingRefused();
    },
  };
  return harness;
}
