import { cancellationSignal } from '@temporalio/activity';
import type { ApplicationFailure } from '@temporalio/common';
import type { Logger } from 'pino';
import { errorText } from '../src/error-text.js';
import type { EventProducer, RecordToSend } from '../src/kafka/producer.js';
import { buildUnpublishedEvent } from '../src/protocol/dead-letter.js';
import { asUuid } from '../src/protocol/ids.js';
import { buildPublished, type OutgoingEvent } from '../src/protocol/published.js';
import { topicName } from '../src/protocol/topics.js';
import { logger } from '../src/telemetry.js';
import { activeTraceparent, noteInSpan } from '../src/tracing/span.js';
import { UNAVAILABLE, type Activities, type RefusedEvent } from './api.js';
import { oneLine } from './one-line.js';
import { shortFailure } from './short-failure.js';

export interface PublishOptions {
  /** The {env} of topic names. */
  readonly env: string;
  /** The {namespace} of topic names; empty drops its segment. */
  readonly namespace: string;
  /** For events that no schema lets through: the final name of the topic, and what the contract puts on each. */
  readonly deadLetter: {
    readonly topic: string;
    readonly event_type: string;
    readonly tags: Readonly<Record<string, string>>;
  };
  /** The name of the registrar in envelopes and headers. Default "node-registrar". */
  readonly source?: string;
  readonly log?: Logger;
  /** The broker's time, by which acks are in time. Default: this process's. */
  readonly now?: () => Date;
}

/**
 * Publishes what has happened. All events of a call go in one send, in order, acknowledged by all replicas. A repeat
 * after a failure carries the same ids, so that a reader recognises it.
 *
 * An event that its schema refuses is a permanent fault of the contract, and no repeat helps: it becomes a dead letter
 * and a log line, the other events are published, and the call succeeds. No life waits for it.
 *
 * @returns the moment from which stamped deadlines count, on which the workflow and the node must agree; and the events
 *   that became dead letters
 * @throws ApplicationFailure of type UNAVAILABLE while Kafka does not acknowledge
 */
export function publishEvents(
  producer: EventProducer,
  {
    env,
    namespace,
    deadLetter,
    source = 'node-registrar',
    log = logger('worker'),
    now = () => new Date(),
  }: PublishOptions,
): Activities['publish_events'] {
  return async (events) => {
    cancellationSignal().throwIfAborted();
    const sentAt = now();
    const refused: RefusedEvent[] = [];
    const records = events.map((event, before): RecordToSend => {
      try {
        const topic = topicName(event.topic, { env, namespace });
        return inTrace({ topic, ...buildPublished(withUuids(event), { sentAt, before, source }) }, event);
      } catch (error) {
        const reason = oneLine(errorText(error));
        refused.push({ event_type: event.event_type, reason });
        return { topic: deadLetter.topic, ...buildUnpublishedEvent(deadLetter, event, reason) };
      }
    });
    try {
      await producer.send(records);
    } catch (error) {
      throw unavailable(events, error);
    }
    for (const { event_type, reason } of refused)
      log.error(
        { node_id: events[0]?.node_id, event_type, reason, dead_letter_topic: deadLetter.topic },
        'an event cannot be published: correct its template in the orchestrator contract',
      );
    return { sent_at: sentAt.toISOString(), refused };
  };
}

/** The span of this activity notes the event, and whoever reads the event continues its trace. */
function inTrace(record: RecordToSend, { event_type, id }: OutgoingEvent): RecordToSend {
  noteInSpan(`published ${event_type}`, { 'messaging.destination.name': record.topic, 'messaging.message.id': id });
  const traceparent = activeTraceparent();
  return traceparent === undefined ? record : { ...record, headers: { ...record.headers, traceparent } };
}

/** Nodes send ids that look like a UUID and are none of the RFC; our events carry such an id only as a cause. */
function withUuids(event: OutgoingEvent): OutgoingEvent {
  return { ...event, id: asUuid(event.id), causation_id: asUuid(event.causation_id) };
}

function unavailable(events: readonly OutgoingEvent[], error: unknown): ApplicationFailure {
  const types = events.map(({ event_type }) => event_type).join(', ');
  const what = `Kafka did not acknowledge ${types} of node ${events[0]?.node_id}`;
  return shortFailure(UNAVAILABLE, error, oneLine(errorText(error)), (words) =>
    oneLine(`${what}: ${words}; retried until it does`),
  );
}
