import type { Contracts } from '../contracts/load.js';
import { topicName } from '../protocol/topics.js';

/** How this installation is named: the {env} and {namespace} of its topics. */
export interface Names {
  readonly env: string;
  readonly namespace: string;
}

/** Final names of the topics that the bridge reads and writes. */
export interface BridgeTopics {
  readonly introspections: string;
  readonly acks: string;
  readonly heartbeats: string;
  readonly deadLetters: string;
  readonly introspectionRequests: string;
}

/** Topics as the contract names them: consumed ones by their event type, published ones by their action. */
export function bridgeTopics({ consumed, topics }: Pick<Contracts, 'consumed' | 'topics'>, names: Names): BridgeTopics {
  const reads = (event: string): string => {
    const found = consumed.find(({ event_type }) => event_type.replace(/^Model/, '').replace(/Event$/, '') === event);
    if (!found) throw new Error(`the contract's consumed_events name no topic for ${event}`);
    return topicName(found.topic, names);
  };
  const writes = (action: string): string => {
    const template = topics[action];
    if (template === undefined) throw new Error(`the contract's published_events name no topic for ${action}`);
    return topicName(template, names);
  };
  return {
    introspections: reads('NodeIntrospection'),
    acks: reads('NodeRegistrationAcked'),
    heartbeats: reads('NodeHeartbeat'),
    deadLetters: writes('dead_letter'),
    introspectionRequests: writes('request_introspection'),
  };
}

/** The consumer group for one kind of message; two bridges with the same names share the work. */
export function groupId(kind: 'introspections' | 'acks' | 'heartbeats', { env, namespace }: Names): string {
  return [env, namespace, 'node-registrar', kind].filter((part) => part !== '').join('-');
}
