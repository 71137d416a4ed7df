import { cancellationSignal } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { EventProducer } from '../src/kafka/producer.js';
import { buildPublished } from '../src/protocol/published.js';
import { topicName } from '../src/protocol/topics.js';
import { UNAVAILABLE, type Activities } from './api.js';

export interface PublishOptions {
  /** The {env} of topic names. */
  readonly env: string;
  /** The {namespace} of topic names; empty drops its segment. */
  readonly namespace: string;
  /** How the registrar calls itself in envelopes and headers. Default "node-registrar". */
  readonly source?: string;
}

/**
 * Says what has happened, on Kafka. All events of a call go in one send, in
 * order, acknowledged by all replicas. A repeat after a failure carries the
 * same ids, so that a reader can tell. It answers with the moment from which
 * the stamped deadlines were counted: the workflow and the node must agree.
 */
export function publishEvents(
  producer: EventProducer,
  { env, namespace, source = 'node-registrar' }: PublishOptions,
): Activities['publish_events'] {
  return async (events) => {
    cancellationSignal().throwIfAborted();
    const sentAt = new Date();
    const records = events.map((event) => ({
      topic: topicName(event.topic, { env, namespace }),
      ...buildPublished(event, { sentAt, source }),
    }));
    try {
      await producer.send(records);
    } catch (error) {
      const cause = error instanceof Error ? error : new Error(String(error));
      throw ApplicationFailure.create({
        type: UNAVAILABLE,
        message:
          `Kafka did not take ${events.map((event) => event.event_type).join(', ')} of node ` +
          `${events[0]?.node_id}: ${cause.message}; retried until it does`,
        cause,
      });
    }
    return { sent_at: sentAt.toISOString(), refused: [] };
  };
}
