import { topicName } from '../../protocol/topics.js';
import type { ContractSources } from '../sources.js';
import { CONSUMED_EVENTS } from '../vocabulary.js';
import { choose, type Faults } from './faults.js';

/** What Kafka accepts as a topic's name. */
const TOPIC = /^[A-Za-z0-9._-]{1,249}$/;

/** Joined without a dot, which neither of them has: `a-b`, and `a` with namespace `b`, would be one. */
const JOINED = /\{env\}[^.]*\{namespace\}|\{namespace\}[^.]*\{env\}/;

/** Every topic is a name that Kafka accepts, once env and namespace are filled in, and no two environments share it. */
export function checkTopics({ orchestrator }: ContractSources, faults: Faults): void {
  for (const list of ['consumed_events', 'published_events'] as const)
    orchestrator[list].forEach(({ topic }, index) => {
      const where = [list, index, 'topic'];
      if (!TOPIC.test(topicName(topic, { env: 'dev', namespace: 'fleet' })))
        faults.add(
          'orchestrator',
          where,
          `"${topic}" is no topic: use letters, digits and any of . _ - and {env} and {namespace}, once each`,
        );
      else if (JOINED.test(topic))
        faults.add(
          'orchestrator',
          where,
          `"${topic}" can be the topic of two environments: put a dot between {env} and {namespace}`,
        );
    });
}

/** Topics that are consumed: each has a reader, and each reader has at least one topic. */
export function checkConsumed({ orchestrator }: ContractSources, faults: Faults): void {
  const known: readonly string[] = CONSUMED_EVENTS;
  orchestrator.consumed_events.forEach((row, index) => {
    if (known.includes(row.event_type)) return;
    faults.add(
      'orchestrator',
      ['consumed_events', index, 'event_type'],
      `nothing consumes "${row.topic}": no reader is known for event type "${row.event_type}"; ${choose(known)}`,
    );
  });
  for (const event_type of known) {
    if (!orchestrator.consumed_events.some((row) => row.event_type === event_type))
      faults.add(
        'orchestrator',
        ['consumed_events'],
        `no topic is named for "${event_type}": add a row with its topic`,
      );
  }
}
