import type { Config } from '../../config/index.js';
import type { Contracts } from '../../contracts/load.js';
import { publishedEventType, type PublishedEventType } from '../../protocol/published.js';
import { topicName } from '../../protocol/topics.js';

/** Every topic that the contract names, consumed and published, in this installation's names. */
export function allTopics(
  { consumed, topics }: Pick<Contracts, 'consumed' | 'topics'>,
  names: Pick<Config, 'env' | 'namespace'>,
): string[] {
  return [
    ...new Set(
      [...consumed.map(({ topic }) => topic), ...Object.values(topics)].map((template) => topicName(template, names)),
    ),
  ];
}

/** The topics of a node, as this contract names them: the SDK knows only the shipped one's. */
export function nodeTopicTemplates({
  consumed,
  compiled,
  topics,
}: Pick<Contracts, 'consumed' | 'compiled' | 'topics'>) {
  const reads = (event: string): string | undefined =>
    consumed.find(({ event_type }) => event_type.replace(/^Model/, '').replace(/Event$/, '') === event)?.topic;
  const publishes = (event: PublishedEventType): string | undefined =>
    Object.values(compiled.events).find(({ event_type }) => publishedEventType(event_type) === event)?.topic;
  const known = {
    introspection: reads('NodeIntrospection'),
    ack: reads('NodeRegistrationAcked'),
    heartbeat: reads('NodeHeartbeat'),
    drainRequest: reads('NodeDrainRequested'),
    accepted: publishes('NodeRegistrationAccepted'),
    rejected: publishes('NodeRegistrationRejected'),
    ackTimedOut: publishes('NodeRegistrationAckTimedOut'),
    becameActive: publishes('NodeBecameActive'),
    livenessExpired: publishes('NodeLivenessExpired'),
    draining: publishes('NodeDraining'),
    deregistered: publishes('NodeDeregistered'),
    requestIntrospection: topics.request_introspection,
  };
  return Object.fromEntries(
    Object.entries(known).filter((entry): entry is [keyof typeof known, string] => entry[1] !== undefined),
  ) as Partial<Record<keyof typeof known, string>>;
}
