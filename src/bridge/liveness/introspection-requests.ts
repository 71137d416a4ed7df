import { v4 } from 'uuid';
import { errorText } from '../../error-text.js';
import type { IncomingRecord } from '../../kafka/consumer.js';
import type { RecordToSend } from '../../kafka/producer.js';
import { OnceAMinute } from '../../once-a-minute.js';
import type { OutgoingRecord } from '../../protocol/envelope.js';
import { buildPublished } from '../../protocol/published.js';
import { derivedId } from '../../protocol/ids.js';
import type { BridgeEvent } from '../bridge-event.js';
import type { BridgeContext } from '../context.js';
import { RequestRate } from './request-rate.js';

/** A node that lives but has no lease, and the heartbeat that shows it. */
export interface Unleased {
  readonly node_id: string;
  readonly record: IncomingRecord;
}

/**
 * Asks nodes that beat without a lease (unknown, ended, lost with a database)
 * to introduce themselves again. A favour, not a duty: whoever can't be asked
 * now is asked at a later heartbeat.
 */
export class IntrospectionRequests {
  readonly #context: Pick<BridgeContext, 'bans' | 'producer' | 'kafka' | 'counters' | 'logger'>;
  readonly #event: BridgeEvent;
  readonly #rate = new RequestRate();
  readonly #minute = new OnceAMinute();

  /** @param event the request, as the contract has it */
  constructor(context: Pick<BridgeContext, 'bans' | 'producer' | 'kafka' | 'counters' | 'logger'>, event: BridgeEvent) {
    this.#context = context;
    this.#event = event;
  }

  async ask(nodes: readonly Unleased[]): Promise<void> {
    const { bans, producer, kafka, counters } = this.#context;
    const asked = nodes.filter(({ node_id }) => !bans.has(node_id) && this.#rate.allows(node_id));
    const records = asked.flatMap((node) => this.#record(node));
    if (records.length === 0) return;
    try {
      await producer.send(records);
      counters.introspections_requested += records.length;
      kafka.answered();
    } catch (error) {
      kafka.failed(error);
      for (const { node_id } of asked) this.#rate.forget(node_id);
    }
  }

  /** None where the contract makes of it what its schema refuses: no heartbeat waits for that. */
  #record(node: Unleased): RecordToSend[] {
    try {
      return [{ topic: this.#event.topic, ...request(node, this.#event) }];
    } catch (error) {
      const text = `${this.#event.event_type} cannot be published: correct it in the contract`;
      if (this.#minute.isDue(text))
        this.#context.logger.error({ node_id: node.node_id, reason: errorText(error) }, text);
      return [];
    }
  }
}

function request({ node_id, record }: Unleased, event: BridgeEvent): OutgoingRecord {
  // The node answers with this id as its introspection's: a fresh one, or the answer would be a duplicate.
  const correlation_id = v4();
  const { event_type, ids_at_top, stamps } = event;
  const known = { node_id, correlation_id };
  return buildPublished(
    {
      id: derivedId(node_id, correlation_id, event_type),
      event_type,
      topic: event.topic,
      node_id,
      correlation_id,
      causation_id: derivedId(record.topic, record.partition, record.offset),
      payload: event.payload(known),
      ids_at_top,
      stamps,
      tags: event.tags(known),
    },
    { sentAt: new Date(), source: 'node-registrar' },
  );
}
