import type { Contracts } from '../contracts/load.js';
import { environmentName, topicName, type Names } from '../protocol/topics.js';
import type { HeartbeatTopics } from '../registry/leases/heartbeat-stream.js';

/** The kinds of messages that a bridge reads, and what the contract calls them. */
const CONSUMED = {
  introspections: 'NodeIntrospection',
  acks: 'NodeRegistrationAcked',
  heartbeats: 'NodeHeartbeat',
  drains: 'NodeDrainRequested',
} as const;

export type StreamKind = keyof typeof CONSUMED;

export const STREAM_KINDS = Object.keys(CONSUMED) as readonly StreamKind[];

/**
 * Final names of the topics that the bridge reads and writes. The contract may name several topics for one kind of
 * message: all of them are read.
 */
export interface BridgeTopics extends Readonly<Record<StreamKind, HeartbeatTopics>> {
  readonly deadLetters: string;
  readonly introspectionRequests: string;
}

/**
 * Topics as the contract names them: consumed ones by their event type, published ones by their action.
 *
 * @throws Error when the contract names no topic for one of them
 */
export function bridgeTopics({ consumed, topics }: Pick<Contracts, 'consumed' | 'topics'>, names: Names): BridgeTopics {
  const reads = (kind: StreamKind): HeartbeatTopics => {
    const rows = consumed.filter(({ event_type }) => plainEventType(event_type) === CONSUMED[kind]);
    const [first, ...others] = new Set(rows.map(({ topic }) => topicName(topic, names)));
    if (first === undefined) throw new Error(`the contract's consumed_events name no topic for ${CONSUMED[kind]}`);
    return [first, ...others];
  };
  const writes = (action: string): string => {
    const template = topics[action];
    if (template === undefined) throw new Error(`the contract's published_events name no topic for ${action}`);
    return topicName(template, names);
  };
  return {
    introspections: reads('introspections'),
    acks: reads('acks'),
    heartbeats: reads('heartbeats'),
    drains: reads('drains'),
    deadLetters: writes('dead_letter'),
    introspectionRequests: writes('request_introspection'),
  };
}

/** The specification writes "ModelNodeIntrospectionEvent" where others write "NodeIntrospection". */
export function plainEventType(event_type: string): string {
  return event_type.replace(/^Model/, '').replace(/Event$/, '');
}

/** The consumer group for one kind of message; two bridges with the same names share the work. */
export function groupId(kind: StreamKind, names: Names): string {
  return `${environmentName(names)}-node-registrar-${kind}`;
}
