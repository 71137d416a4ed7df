import type { Config } from '../../config.js';
import type { Contracts } from '../../contracts/load.js';
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
export function nodeTopicTemplates({ consumed, topics }: Pick<Contracts, 'consumed' | 'topics'>) {
  const said = (event: string): string | undefined =>
    consumed.find(({ event_type }) => event_type.replace(/^Model/, '').replace(/Event$/, '') === event)?.topic;
  const known = {
    introspection: said('NodeIntrospection'),
    ack: said('NodeRegistrationAcked'),
    heartbeat: said('NodeHeartbeat'),
    accepted: topics.emit_registration_accepted,
    rejected: topics.emit_registration_rejected,
    ackTimedOut: topics.emit_ack_timed_out,
    becameActive: topics.emit_became_active,
    livenessExpired: topics.emit_liveness_expired,
    requestIntrospection: topics.request_introspection,
  };
  return Object.fromEntries(
    Object.entries(known).filter((entry): entry is [keyof typeof known, string] => entry[1] !== undefined),
  ) as Partial<Record<keyof typeof known, string>>;
}
