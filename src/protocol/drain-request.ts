import { v4 } from 'uuid';
import { z } from 'zod';
import type { OutgoingRecord } from './envelope.js';
import { correlationId, nodeId, timestamp, uuidOrNull } from './fields.js';
import { fromNode } from './from-node.js';
import { instanceIn } from './instance.js';
import { idOfRecord, parseRecord, type Parsed, type RecordPlace } from './incoming.js';
import { printable } from './json.js';

/** A node asks to be drained, or to be found again: it stays registered, and beats on. */

/** The normal form. */
export interface DrainRequest {
  /** The command's id. */
  readonly message_id: string;
  readonly node_id: string;
  /** The one of the registration attempt that is to be drained. */
  readonly correlation_id: string;
  /** false: others are to find the node again. */
  readonly draining: boolean;
  /** Why, in the node's words; null where it says nothing. */
  readonly reason: string | null;
  /** The Kafka record's time. */
  readonly at: string;
  /** The process that sent it, where it says so. */
  readonly instance_id?: string;
}

const LONGEST_REASON = 500;

/** A request as it is read. */
export const drainRequestFields = z.object({
  command_id: z.string().max(128).nullish(),
  node_id: nodeId,
  correlation_id: correlationId.nullish(),
  draining: z.boolean(),
  reason: z.string().nullish(),
  timestamp: timestamp.nullish(),
});

/**
 * Reads a node's request. One without a correlation_id could be about any registration attempt, so it is refused.
 *
 * @param value the record's value
 * @param record where it was read, and its time
 */
export function parseDrainRequest(value: Buffer | null, record: RecordPlace): Parsed<DrainRequest> {
  return parseRecord(value, record, { fields: drainRequestFields }, ({ fields }, wrapped, at) => {
    const correlation_id = fields.correlation_id ?? wrapped.correlation_id;
    if (correlation_id === null)
      return { ok: false, reason: 'correlation_id: expected the one of the registration, got nothing' };
    const { node_id, draining } = fields;
    const message_id = uuidOrNull(fields.command_id) ?? wrapped.envelope_id ?? idOfRecord(record);
    const words = printable(fields.reason ?? '', LONGEST_REASON).trim();
    const reason = words === '' ? null : words;
    const message = { message_id, node_id, correlation_id, draining, reason, at, ...instanceIn(record.headers) };
    return { ok: true, message };
  });
}

/** What a node puts into its request. */
export interface DrainRequestToSend {
  /** A uuid, by default a new one. The event that answers it names it as its cause. */
  readonly command_id?: string;
  readonly node_id: string;
  /** The one of the registration that was accepted. */
  readonly correlation_id: string;
  readonly draining: boolean;
  readonly reason: string | null;
}

/** Writes a request. */
export function buildDrainRequest(
  { command_id = v4(), node_id, correlation_id, draining, reason }: DrainRequestToSend,
  sentAt: Date,
): OutgoingRecord {
  return fromNode('NodeDrainRequested', command_id, node_id, correlation_id, sentAt, {
    command_id,
    node_id,
    correlation_id,
    draining,
    reason,
    timestamp: sentAt.toISOString(),
  });
}
