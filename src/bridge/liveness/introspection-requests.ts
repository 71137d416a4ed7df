import { v4 } from 'uuid';
import type { IncomingRecord } from '../../kafka/consumer.js';
import { buildPublished } from '../../protocol/published.js';
import { derivedId } from '../../protocol/ids.js';
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
  readonly #context: Pick<BridgeContext, 'producer' | 'kafka' | 'counters'>;
  readonly #topic: string;
  readonly #rate = new RequestRate();

  constructor(context: Pick<BridgeContext, 'producer' | 'kafka' | 'counters'>, topic: string) {
    this.#context = context;
    this.#topic = topic;
  }

  async ask(nodes: readonly Unleased[]): Promise<void> {
    const { producer, kafka, counters } = this.#context;
    const asked = nodes.filter(({ node_id }) => this.#rate.allows(node_id));
    if (asked.length === 0) return;
    try {
      await producer.send(asked.map((node) => ({ topic: this.#topic, ...request(node) })));
      counters.introspections_requested += asked.length;
      kafka.answered();
    } catch (error) {
      kafka.failed(error);
      for (const { node_id } of asked) this.#rate.forget(node_id);
    }
  }
}

function request({ node_id, record }: Unleased) {
  // The node answers with this id as its introspection's: a fresh one, or the answer would be a duplicate.
  const correlation_id = v4();
  return buildPublished(
    {
      id: derivedId(node_id, correlation_id, 'RequestIntrospection'),
      event_type: 'RequestIntrospection',
      topic: '',
      node_id,
      correlation_id,
      causation_id: derivedId(record.topic, record.partition, record.offset),
      payload: { target_node_id: node_id },
      ids_at_top: true,
      stamps: {},
      tags: {},
    },
    { sentAt: new Date(), source: 'node-registrar' },
  );
}
