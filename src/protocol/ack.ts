import { v4 } from 'uuid';
import { z } from 'zod';
import type { OutgoingRecord } from './envelope.js';
import { correlationId, nodeId, timestamp, uuidOrNull } from './fields.js';
import { fromNode } from './from-node.js';
import { instanceIn } from './instance.js';
import { idOfRecord, parseRecord, type Parsed, type RecordPlace } from './incoming.js';

/** A node acknowledges that it was accepted: specification, Phase 4, ModelNodeRegistrationAcked. */

/** The normal form. */
export interface Ack {
  /** The command's id. */
  readonly message_id: string;
  readonly node_id: string;
  readonly correlation_id: string;
  /** The Kafka record's time; for an ack sent through the Temporal client, the server's. */
  readonly at: string;
  /** The process that sent it, where it says so. */
  readonly instance_id?: string;
}

/** An acknowledgement as it is read. */
export const ackFields = z.object({
  command_id: z.string().max(128).nullish(),
  node_id: nodeId,
  correlation_id: correlationId.nullish(),
  timestamp: timestamp.nullish(),
});

/**
 * Reads an acknowledgement. One without a correlation_id could answer any
 * registration attempt, so it is refused.
 *
 * @param value the record's value
 * @param record where it was read, and its time
 */
export function parseAck(value: Buffer | null, record: RecordPlace): Parsed<Ack> {
  return parseRecord(value, record, { fields: ackFields }, ({ fields }, wrapped, at) => {
    const correlation_id = fields.correlation_id ?? wrapped.correlation_id;
    if (correlation_id === null)
      return { ok: false, reason: 'correlation_id: expected the one of the registration, got nothing' };
    const message_id = uuidOrNull(fields.command_id) ?? wrapped.envelope_id ?? idOfRecord(record);
    const message = { message_id, node_id: fields.node_id, correlation_id, at, ...instanceIn(record.headers) };
    return { ok: true, message };
  });
}

/** What a node puts into its acknowledgement. */
export interface AckToSend {
  readonly node_id: string;
  /** The one of the registration that was accepted. */
  readonly correlation_id: string;
}

/** Writes an acknowledgement, with a command_id of its own. */
export function buildAck({ node_id, correlation_id }: AckToSend, sentAt: Date): OutgoingRecord {
  const command_id = v4();
  return fromNode('NodeRegistrationAcked', command_id, node_id, correlation_id, sentAt, {
    command_id,
    node_id,
    correlation_id,
    timestamp: sentAt.toISOString(),
  });
}
