import { environmentName, topicName, type Names } from '../protocol/topics.js';

/**
 * The topics of a node, as the shipped contract has them: a node needs no YAML
 * of the registrar. Whoever edits a topic in the contract gives the same one
 * in the option `topics`.
 */
export const NODE_TOPICS = {
  introspection: '{env}.{namespace}.onex.evt.node-introspection.v1',
  ack: '{env}.{namespace}.onex.cmd.node-registration-acked.v1',
  heartbeat: '{env}.{namespace}.onex.evt.node-heartbeat.v1',
  drainRequest: '{env}.{namespace}.onex.cmd.node-drain-requested.v1',
  accepted: '{env}.{namespace}.onex.evt.node-registration-accepted.v1',
  rejected: '{env}.{namespace}.onex.evt.node-registration-rejected.v1',
  ackTimedOut: '{env}.{namespace}.onex.evt.node-registration-ack-timed-out.v1',
  becameActive: '{env}.{namespace}.onex.evt.node-became-active.v1',
  livenessExpired: '{env}.{namespace}.onex.evt.node-liveness-expired.v1',
  draining: '{env}.{namespace}.onex.evt.node-draining.v1',
  deregistered: '{env}.{namespace}.onex.evt.node-deregistered.v1',
  requestIntrospection: '{env}.{namespace}.onex.cmd.request-introspection.v1',
} as const;

/** A topic of a node, by what is on it. */
export type NodeTopic = keyof typeof NODE_TOPICS;

/** The kinds of messages that a node sends. */
export type SentMessage = 'introspection' | 'ack' | 'heartbeat' | 'drainRequest';

const CONSUMED = [
  'accepted',
  'rejected',
  'ackTimedOut',
  'becameActive',
  'livenessExpired',
  'draining',
  'deregistered',
  'requestIntrospection',
] as const satisfies readonly NodeTopic[];

/** Full topic names of a node. */
export interface Topics {
  /** By the kind of message that a node sends. */
  readonly sent: Readonly<Record<SentMessage, string>>;
  /** What a node consumes. */
  readonly consumed: readonly string[];
}

/**
 * Fills env and namespace into the topics of a node.
 *
 * @param names env and namespace; an empty namespace drops its segment
 * @param templates topics that differ from the shipped contract's
 */
export function nodeTopics(names: Names, templates: Partial<Record<NodeTopic, string>> = {}): Topics {
  const name = (topic: NodeTopic): string => topicName(templates[topic] ?? NODE_TOPICS[topic], names);
  return {
    sent: {
      introspection: name('introspection'),
      ack: name('ack'),
      heartbeat: name('heartbeat'),
      drainRequest: name('drainRequest'),
    },
    consumed: CONSUMED.map(name),
  };
}

/**
 * The name of a consumer group of nodes: a group that begins so is what the ACLs of an installation let nodes read as.
 *
 * @param names env and namespace; an empty namespace drops its segment
 * @param own what no other group has in its name
 */
export function nodesGroup(names: Names, own: string): string {
  return `${environmentName(names)}-nodes-${own}`;
}
