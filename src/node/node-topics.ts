import { topicName } from '../protocol/topics.js';

/**
 * The topics of a node, as the shipped contract has them: a node needs no YAML
 * of the registrar. Whoever edits a topic in the contract gives the same one
 * in the option `topics`.
 */
export const NODE_TOPICS = {
  introspection: '{env}.{namespace}.onex.evt.node-introspection.v1',
  ack: '{env}.{namespace}.onex.cmd.node-registration-acked.v1',
  heartbeat: '{env}.{namespace}.onex.evt.node-heartbeat.v1',
  accepted: '{env}.{namespace}.onex.evt.node-registration-accepted.v1',
  rejected: '{env}.{namespace}.onex.evt.node-registration-rejected.v1',
  ackTimedOut: '{env}.{namespace}.onex.evt.node-registration-ack-timed-out.v1',
  becameActive: '{env}.{namespace}.onex.evt.node-became-active.v1',
  livenessExpired: '{env}.{namespace}.onex.evt.node-liveness-expired.v1',
  requestIntrospection: '{env}.{namespace}.onex.cmd.request-introspection.v1',
} as const;

export type NodeTopic = keyof typeof NODE_TOPICS;

/** What a node says. */
export type Saying = 'introspection' | 'ack' | 'heartbeat';

const HEARD = [
  'accepted',
  'rejected',
  'ackTimedOut',
  'becameActive',
  'livenessExpired',
  'requestIntrospection',
] as const satisfies readonly NodeTopic[];

export interface Topics {
  /** Full name of the topic of what a node says. */
  readonly said: Readonly<Record<Saying, string>>;
  /** Full names of the topics that a node listens to. */
  readonly heard: readonly string[];
}

/** Fills in env and namespace. */
export function nodeTopics(
  names: { readonly env: string; readonly namespace: string },
  templates: Partial<Record<NodeTopic, string>> = {},
): Topics {
  const name = (topic: NodeTopic): string => topicName(templates[topic] ?? NODE_TOPICS[topic], names);
  return {
    said: { introspection: name('introspection'), ack: name('ack'), heartbeat: name('heartbeat') },
    heard: HEARD.map(name),
  };
}
