import { randomUUID } from 'node:crypto';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import proto from '@temporalio/proto';
import { NativeConnection, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Activities } from '../../activities/api.js';
import type { CompiledContract, Timer } from '../../src/contracts/compiled.js';
import { loadContracts } from '../../src/contracts/load.js';
import type { Introspection } from '../../src/protocol/introspection.js';
import { askStatus } from '../../src/runs/ask-status.js';
import { createSearchAttributes } from '../../src/stack/index.js';
import { plusSeconds } from '../../workflows/core/time.js';
import type { Status } from '../../workflows/details.js';
import {
  ACK_SIGNAL,
  COMMAND_UPDATE,
  INTROSPECTION_SIGNAL,
  RETRY,
  SUSPECT_SIGNAL,
  workflowId,
  WORKFLOW_TYPE,
  type AckSignal,
} from '../../workflows/messages.js';
import type { Outcome, Start } from '../../workflows/registration.js';
import { callingNode, World } from '../time-skipping/world.js';
import { eventually } from './installation.js';
import { errorsOnlyRuntime } from '../run/errors-only-runtime.js';
import { workflowBundle } from '../run/workflow-bundle.js';
import { servers } from './servers.js';

/**
 * Messages that arrive in the very workflow task in which a run does what it has decided. The real server then refuses
 * the end of that task, and the task is done anew; the time-skipping server does not show that. Only the server is
 * real here: the backends are fakes, so that a test says what they answer and when.
 */

type Handle = WorkflowHandle<(start: Start) => Promise<Outcome>>;

const { WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND: UNHANDLED_COMMAND } =
  proto.temporal.api.enums.v1.WorkflowTaskFailedCause;

/** As shipped, with one ack round of a second: the last one. */
const shipped = loadContracts().compiled;
const contract = withTimer('ack', { seconds: 1, rounds: 1 });

function withTimer(name: string, changes: Partial<Timer>): CompiledContract {
  const timer = shipped.timers[name] ?? expect.fail();
  return { ...shipped, timers: { ...shipped.timers, [name]: { ...timer, ...changes } } };
}

const taskQueue = `decisions-${randomUUID()}`;
const world = new World({ currentTimeMs: () => Promise.resolve(Date.now()) }, contract);
/** What happens while an activity of a node is under way, by activity or event type, and node; each happens once. */
const meanwhile = new Map<string, () => Promise<unknown>>();
let client: Client;
let native: NativeConnection;
let worker: Worker;
let running: Promise<void>;

async function happens(what: string, node_id: string): Promise<void> {
  const key = `${what} ${node_id}`;
  const happening = meanwhile.get(key);
  meanwhile.delete(key);
  await happening?.();
}

function activities(): Activities {
  const plain = world.activities();
  return {
    ...plain,
    async open_attempt(node_id) {
      await happens('open_attempt', node_id);
      return plain.open_attempt(node_id);
    },
    async verify_lease(question) {
      const answer = await plain.verify_lease(question);
      await happens('verify_lease', question.node_id);
      return answer;
    },
    async verify_acks_read(deadline) {
      const answer = await plain.verify_acks_read(deadline);
      await happens('verify_acks_read', callingNode());
      return answer;
    },
    async publish_events(events) {
      const published = await plain.publish_events(events);
      for (const { event_type, node_id } of events) await happens(event_type, node_id);
      return published;
    },
  };
}

beforeAll(async () => {
  errorsOnlyRuntime();
  const { temporalAddress: address } = servers();
  await createSearchAttributes(address, 'default');
  client = new Client({ connection: await Connection.connect({ address }) });
  native = await NativeConnection.connect({ address });
  worker = await Worker.create({
    connection: native,
    taskQueue,
    workflowBundle: await workflowBundle(),
    activities: activities(),
  });
  running = worker.run();
});
afterAll(async () => {
  worker.shutdown();
  await running;
  await Promise.all([native.close(), client.connection.close()]);
});

/** A node of this file, as the bridge sees it. */
class Node {
  private constructor(
    readonly introspection: Introspection,
    readonly handle: Handle,
  ) {}

  static async introduced(): Promise<Node> {
    const introspection: Introspection = {
      message_id: randomUUID(),
      correlation_id: randomUUID(),
      node_id: randomUUID(),
      node_type: 'effect',
      node_version: '1.2.3',
      endpoints: { health: 'http://10.0.0.1:8080/health' },
      capabilities: [],
      reason: 'startup',
      epoch: null,
      at: new Date().toISOString(),
    };
    return new Node(introspection, await introduce(introspection));
  }

  get node_id(): string {
    return this.introspection.node_id;
  }

  /** It sends this while an activity is under way, or while an event of a type is being published. */
  while(what: string, sends: () => Promise<unknown>): void {
    meanwhile.set(`${what} ${this.node_id}`, sends);
  }

  ack(at: string | null): Promise<void> {
    const { node_id, correlation_id } = this.introspection;
    const ack: AckSignal = { message_id: randomUUID(), node_id, correlation_id, at };
    return this.handle.signal(ACK_SIGNAL, ack);
  }

  async says(reason: Introspection['reason']): Promise<Introspection> {
    const at = plusSeconds(this.introspection.at, 1);
    const said = { ...this.introspection, message_id: randomUUID(), correlation_id: randomUUID(), reason, at };
    await introduce(said);
    return said;
  }

  async until(state: string): Promise<Status> {
    return eventually(`${this.node_id} is in ${state}`, 20, async () => {
      const { status } = await askStatus(client, this.node_id, 20_000);
      return status?.registration?.state === state && status.registration.entering === null && status;
    });
  }

  async active(): Promise<void> {
    const { registration } = await this.until('AWAITING_ACK');
    await this.ack(registration?.ack_deadline ?? '');
    await this.until('ACTIVE');
  }

  /** How often the server has refused the end of one of its run's tasks, since a message had come. */
  async refusedTasks(): Promise<number> {
    const { events } = await this.handle.fetchHistory();
    return (events ?? []).filter(({ workflowTaskFailedEventAttributes: failed }) => failed?.cause === UNHANDLED_COMMAND)
      .length;
  }

  /** The types of what was published for an attempt; a repeat has the id of what it repeats, and counts once. */
  published(attempt: number): string[] {
    const ids = new Map(
      world
        .of(this.node_id)
        .filter(({ tags }) => tags['attempt'] === String(attempt))
        .map(({ id, event_type }) => [id, event_type]),
    );
    return [...ids.values()];
  }
}

function introduce(introspection: Introspection): Promise<Handle> {
  const { node_id } = introspection;
  return client.workflow.signalWithStart(WORKFLOW_TYPE, {
    workflowId: workflowId(node_id),
    taskQueue,
    args: [{ node_id }],
    signal: INTROSPECTION_SIGNAL,
    signalArgs: [introspection],
  });
}

/** A lease that is found expired once. Whoever asks again finds that it lives: the first look has changed it. */
function expiredOnce(...nodes: readonly Node[]): void {
  const expiring = new Set(nodes.map(({ node_id }) => node_id));
  world.lease = (node_id, now) =>
    expiring.delete(node_id)
      ? { outcome: 'expired', last_heartbeat_at: null }
      : { outcome: 'renewed', deadline: plusSeconds(now, 90) };
}

describe('while an expiry is carried out', () => {
  it.each([
    ['an ack', (node: Node) => node.ack(new Date().toISOString())],
    ['a suspicion', (node: Node) => node.handle.signal(SUSPECT_SIGNAL)],
    ['a shutdown', (node: Node) => node.says('shutdown')],
  ])('%s that arrives changes nothing: the node stays expired, and its run closes', async (_, sends) => {
    const node = await Node.introduced();
    await node.active();
    expiredOnce(node);
    node.while('NodeLivenessExpired', () => sends(node));
    await node.handle.signal(SUSPECT_SIGNAL);
    expect(await node.handle.result()).toMatchObject({ state: 'LIVENESS_EXPIRED', attempt: 1 });
    expect(await node.refusedTasks()).toBeGreaterThan(0);
    expect(node.published(1).slice(-2)).toEqual(['NodeBecameActive', 'NodeLivenessExpired']);
    expect(world.rows.get(node.node_id)).toMatchObject({ state: 'LIVENESS_EXPIRED', lasting: null });
  });

  it('a startup that arrives begins the next attempt, after the expired one has ended', async () => {
    const node = await Node.introduced();
    await node.active();
    expiredOnce(node);
    node.while('NodeLivenessExpired', () => node.says('startup'));
    await node.handle.signal(SUSPECT_SIGNAL);
    await eventually('attempt 2 is over', 20, () => node.published(2).includes('NodeRegistrationAckTimedOut'));
    expect(node.published(1).slice(-2)).toEqual(['NodeBecameActive', 'NodeLivenessExpired']);
    expect(node.published(2)).toEqual([
      'NodeRegistrationInitiated',
      'NodeRegistrationAccepted',
      'NodeRegistrationAckTimedOut',
    ]);
  });
});

describe('while the last ack timeout is carried out', () => {
  it.each([
    ['an ack', (node: Node) => node.ack(new Date().toISOString())],
    ['an ack of a client, which has the time of its arrival,', (node: Node) => node.ack(null)],
    ['a shutdown', (node: Node) => node.says('shutdown')],
  ])('%s that arrives changes nothing: the attempt stays timed out, and the run closes', async (_, sends) => {
    const node = await Node.introduced();
    node.while('NodeRegistrationAckTimedOut', () => sends(node));
    expect(await node.handle.result()).toMatchObject({ state: 'ACK_TIMED_OUT', attempt: 1 });
    expect(await node.refusedTasks()).toBeGreaterThan(0);
    expect(node.published(1)).toEqual([
      'NodeRegistrationInitiated',
      'NodeRegistrationAccepted',
      'NodeRegistrationAckTimedOut',
    ]);
    expect(world.rows.get(node.node_id)).toMatchObject({ state: 'ACK_TIMED_OUT', lasting: null });
  });
});

it('an ack in time that arrives while its topic is found read past the deadline counts: no timeout is published', async () => {
  const node = await Node.introduced();
  node.while('verify_acks_read', () => node.ack(node.introspection.at));
  await node.until('ACTIVE');
  expect(node.published(1)).toEqual([
    'NodeRegistrationInitiated',
    'NodeRegistrationAccepted',
    'NodeRegistrationAckReceived',
    'NodeBecameActive',
  ]);
});

describe("an operator's retry that arrives while a run is handed over to the next one", () => {
  /** The ACTIVE node can be retried too: at rest a run may be handed over. */
  function retriable(version: string): CompiledContract {
    const { ModelRegistrationReset: reset = expect.fail(), ...others } = contract.handlers;
    const matrix = reset.matrix.filter(({ states }) => !states.includes('ACTIVE'));
    return { ...contract, version, handlers: { ...others, ModelRegistrationReset: { ...reset, matrix } } };
  }

  it.each([
    ['in the last task of the old run', 'verify_lease'],
    ['in the first task of the new run', 'open_attempt'],
  ] as const)('%s is answered with the number of its attempt', async (_, activity) => {
    world.contract = retriable('before');
    const node = await Node.introduced();
    await node.active();
    world.lease = (__, now) => ({ outcome: 'renewed', deadline: plusSeconds(now, 90) });
    world.contract = retriable('after');
    const run = client.workflow.getHandle(node.handle.workflowId);
    const first = (await run.describe()).runId;
    let answer: Promise<number> | undefined;
    node.while(activity, async () => {
      answer = run.executeUpdate<number, [typeof RETRY]>(COMMAND_UPDATE, { args: [RETRY] });
      // On the same connection: when the server has answered this, it has the update.
      await run.describe();
    });
    await run.signal(SUSPECT_SIGNAL);
    await eventually('the update is sent', 20, () => answer !== undefined);
    expect(await answer).toBe(2);
    const handedOver = client.workflow.getHandle(node.handle.workflowId, first);
    expect((await handedOver.describe()).status.name).toBe('CONTINUED_AS_NEW');
    world.contract = contract;
    await eventually('attempt 2 is over', 20, () => node.published(2).includes('NodeRegistrationAckTimedOut'));
  });
});
