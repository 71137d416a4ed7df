import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildAck } from '../../src/protocol/ack.js';
import { buildIntrospection } from '../../src/protocol/introspection.js';
import { RegistrarProcess } from './cli-process.js';
import { eventually, Installation, type PublishedRecord } from './installation.js';
import { servers } from './servers.js';

/**
 * The way from a worker to Temporal. While it is shut, the worker still receives
 * tasks (its polls wait there) and does them, but its answers do not reach Temporal:
 * what was published is not in the history.
 */
class Gate {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #workers = new Set<Socket>();
  #isShut = false;

  constructor(target: string) {
    const [host, port] = target.split(':');
    this.#server = createServer((worker) => {
      const temporal = connect({ host: host ?? '', port: Number(port) });
      if (this.#isShut) worker.pause();
      for (const [from, to] of [
        [worker, temporal],
        [temporal, worker],
      ] as const) {
        this.#sockets.add(from);
        from.on('data', (data) => to.write(data));
        from.on('close', () => (this.#sockets.delete(from), to.destroy()));
        // A process that is killed resets its connections: that is what this is about.
        from.on('error', () => to.destroy());
        if (from === worker) this.#workers.add(from);
      }
    });
  }

  async address(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  shut(): void {
    this.#isShut = true;
    for (const socket of this.#workers) socket.pause();
  }

  /** What has not come through is lost. */
  openAgain(): void {
    this.#isShut = false;
    for (const socket of this.#sockets) socket.destroy();
    this.#workers.clear();
  }

  close(): void {
    this.openAgain();
    this.#server.close();
  }
}

let registrar: Installation;
let gate: Gate;
let address: string;
beforeAll(async () => {
  registrar = await Installation.start();
  await registrar.stopWorker();
  gate = new Gate(servers().temporalAddress);
  address = await gate.address();
});
afterAll(async () => {
  gate.close();
  await registrar.stop();
});

/** Who polls a task queue; type 1: for workflow tasks, 2: for activities. */
async function pollersOf(name: string, taskQueueType: number): Promise<string[]> {
  const { namespace } = registrar.config.temporal;
  const { pollers } = await registrar.client.workflowService.describeTaskQueue({
    namespace,
    taskQueue: { name },
    taskQueueType,
  });
  return (pollers ?? []).flatMap(({ identity }) => identity ?? []);
}

async function startWorker(): Promise<RegistrarProcess> {
  const { taskQueue } = registrar.config;
  const worker = new RegistrarProcess(['worker'], { ...registrar.environment, TEMPORAL_ADDRESS: address });
  await worker.says(/worker runs/);
  // Its polls wait at Temporal: whatever happens from now on reaches this worker, also through a gate that is shut
  // then.
  await eventually('the worker polls both task queues', 30, async () => {
    const identities = await Promise.all([1, 2].map((taskQueueType) => pollersOf(taskQueue, taskQueueType)));
    return identities.every((each) => each.some((identity) => identity.startsWith(`${worker.child.pid}@`)));
  });
  return worker;
}

const NODES = [randomUUID(), randomUUID()];

/** An event's kind as a reader sees it: what one id may stand for, and only that. */
const kindOf = ({ event }: PublishedRecord): string =>
  [event.event_type, event.correlation_id, event.tags['attempt'], event.tags['ack_round'] ?? ''].join(' ');
const copies = (node_id: string, type: string): PublishedRecord[] =>
  registrar.of(node_id).filter(({ event }) => event.event_type === type);

/**
 * Lets something happen, and kills the worker when the broker has the event of each node, and Temporal knows nothing of
 * it.
 */
async function killedAfterPublishing(
  worker: RegistrarProcess,
  type: string,
  happens: () => Promise<unknown>,
): Promise<void> {
  gate.shut();
  await happens();
  await eventually(`${type} is on the topic for each node`, 20, () =>
    NODES.every((node_id) => copies(node_id, type).length > 0),
  );
  worker.kill('SIGKILL');
  expect((await worker.ends()).signal).toBe('SIGKILL');
  gate.openAgain();
}

const allIn = (state: string) =>
  eventually(`all nodes are in ${state}`, 40, async () => {
    const all = await Promise.all(NODES.map((node_id) => registrar.status(node_id).catch(() => null)));
    return all.every((status) => status?.registration?.state === state);
  });

it('a worker killed between a publish and its place in the history: nothing is lost, and a repeat has the id of what it repeats', async () => {
  const correlation = new Map(NODES.map((node_id) => [node_id, randomUUID()]));
  const introductions = NODES.map((node_id) => {
    const identity = {
      node_id,
      node_type: 'effect',
      node_version: '1.0.0',
      endpoints: { health: 'http://10.0.0.1/health' },
      capabilities: [],
      epoch: 1,
      correlation_id: correlation.get(node_id) ?? '',
      reason: 'startup',
    } as const;
    return buildIntrospection(identity, new Date()).value;
  });

  await killedAfterPublishing(await startWorker(), 'NodeRegistrationInitiated', () =>
    registrar.send('NodeIntrospectionEvent', ...introductions),
  );
  const second = await startWorker();
  await allIn('AWAITING_ACK');
  const acks = NODES.map(
    (node_id) => buildAck({ node_id, correlation_id: correlation.get(node_id) ?? '' }, new Date()).value,
  );
  await killedAfterPublishing(second, 'NodeBecameActive', () => registrar.send('NodeRegistrationAcked', ...acks));
  const third = await startWorker();
  await allIn('ACTIVE');

  for (const node_id of NODES) {
    const published = registrar.of(node_id);
    // An id names one event, and an event has one id, however often it was sent.
    expect(new Set(published.map((record) => `${record.event.id} ${kindOf(record)}`)).size).toBe(
      new Set(published.map(({ event }) => event.id)).size,
    );
    expect(new Set(published.map(kindOf)).size).toBe(new Set(published.map(({ event }) => event.id)).size);
    // The kills have hit: each of these was sent before its worker was killed, and again by the next one.
    for (const type of ['NodeRegistrationInitiated', 'NodeRegistrationAckReceived', 'NodeBecameActive']) {
      expect(copies(node_id, type).length, type).toBeGreaterThan(1);
      expect(new Set(copies(node_id, type).map(({ event }) => event.id)).size, type).toBe(1);
    }
    // Nothing is lost.
    expect(new Set(published.map(({ event }) => event.event_type))).toEqual(
      new Set([
        'NodeRegistrationInitiated',
        'NodeRegistrationAccepted',
        'NodeRegistrationAckReceived',
        'NodeBecameActive',
      ]),
    );
    expect(await registrar.catalog.instance(node_id)).toMatchObject({ attempt: 1, status: 'passing' });
  }
  third.kill('SIGTERM');
  expect((await third.ends()).code).toBe(0);
});
