import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { NodeEvents, NodeState } from './events.js';
import type { RegisteredNode } from './node.js';

/** Seconds from a node's introduction until it is active. */
const BUCKETS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];

/**
 * Shows Prometheus what the nodes of a process do, in a registry of that process.
 *
 * ```ts
 * import { register } from 'prom-client';
 * import { NodeMetrics } from '@node-registrar/node/metrics';
 *
 * const metrics = new NodeMetrics(register);
 * metrics.observe(node);
 * ```
 */
export class NodeMetrics {
  readonly #nodes = new Set<RegisteredNode>();
  readonly #sent: Counter<'message'>;
  readonly #endings: Counter<'because'>;
  readonly #problems: Counter;
  readonly #seconds: Histogram;

  /** @param registry where they are registered, once a process */
  constructor(registry: Registry) {
    const registers = [registry];
    const nodes = this.#nodes;
    this.#sent = new Counter({
      name: 'registrar_node_messages_sent_total',
      help: 'messages that the broker has taken, by what they are',
      labelNames: ['message'],
      registers,
    });
    this.#endings = new Counter({
      name: 'registrar_node_endings_total',
      help: 'registration attempts that have ended without the node leaving, by why',
      labelNames: ['because'],
      registers,
    });
    this.#problems = new Counter({
      name: 'registrar_node_problems_total',
      help: 'things that did not work, and that the node went on trying',
      registers,
    });
    this.#seconds = new Histogram({
      name: 'registrar_node_registration_seconds',
      help: 'from the first introspection of an attempt that the broker has taken until the node is active',
      buckets: BUCKETS,
      registers,
    });
    new Gauge({
      name: 'registrar_node_states',
      help: 'nodes of this process in a state',
      labelNames: ['state'],
      registers,
      collect() {
        this.reset();
        for (const { state } of nodes) this.inc({ state });
      },
    });
  }

  /** Counts what a node does from now on, until it has left. */
  observe(node: RegisteredNode): void {
    this.#nodes.add(node);
    let introduced: NodeEvents['introduced'][0] | undefined;
    node.on('introduced', (event) => {
      if (event.sends === 1) introduced = event;
      this.#sent.inc({ message: 'introspection' });
    });
    node.on('acknowledged', () => this.#sent.inc({ message: 'ack' }));
    node.on('heartbeat', () => this.#sent.inc({ message: 'heartbeat' }));
    node.on('active', ({ at, correlation_id }) => {
      if (introduced?.correlation_id === correlation_id)
        this.#seconds.observe((at.getTime() - introduced.at.getTime()) / 1_000);
    });
    node.on('startingOver', ({ because }) => this.#endings.inc({ because }));
    node.on('problem', () => this.#problems.inc());
    node.on('state', ({ state }) => {
      if (GONE.includes(state)) this.#nodes.delete(node);
    });
  }
}

const GONE: readonly NodeState[] = ['left', 'superseded'];
