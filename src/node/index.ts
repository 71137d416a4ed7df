/**
 * What a node embeds to be registered: import it as "@node-registrar/node".
 *
 * ```ts
 * import { RegisteredNode } from '@node-registrar/node';
 *
 * const node = new RegisteredNode({
 *   brokers: ['localhost:9092'],
 *   node_type: 'effect',
 *   node_id: 'mailer-1',
 *   version: '1.0.0',
 *   endpoints: { health: 'http://10.0.0.7:8080/health' },
 *   capabilities: ['mail.send'],
 * });
 * node.on('state', ({ state }) => console.log(`${node.node_id} is ${state}`));
 * for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void node.stop());
 * await node.start();
 * ```
 *
 * It installs no signal handlers of its own; the line with `process.once` is
 * how a node leaves when its process is asked to end. A process that holds many
 * nodes gives all of them the same `hub: new NodeHub({ brokers })` instead of
 * `brokers`, and closes it when they have stopped.
 */
export type {
  ClientCredentials,
  KafkaConnection,
  KafkaPassword,
  KafkaSasl,
  KafkaSecurity,
  KafkaTls,
  KafkaToken,
  TokenCommand,
} from '../kafka/index.js';
export { ConfigError } from '../config/variables.js';
export type { NODE_TYPES, NodeType } from '../protocol/fields.js';
export type { BackoffOptions } from './backoff.js';
export { NodeError } from './errors.js';
export type { Ending, NodeEvents, NodeState, OfAttempt } from './events.js';
export {
  simulateFleet,
  type Fleet,
  type FleetOptions,
  type NodeChange,
  type NodeSteps,
  type SimulatedNode,
} from './fleet.js';
export { NodeHub, type NodeHubOptions } from './hub.js';
export { kafkaFromEnvironment } from './kafka-from-environment.js';
export type { DrainOptions } from './drain-requests.js';
export { RegisteredNode, type StopOptions } from './node.js';
export {
  DEFAULT_PAUSES,
  type Connection,
  type NodeBehaviour,
  type NodeDescription,
  type NodeKeys,
  type NodePauses,
  type RegisteredNodeOptions,
} from './options.js';
export { NODE_TOPICS, type NodeTopic } from './node-topics.js';
export type { StartOptions } from './states.js';
