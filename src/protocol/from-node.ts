import { wrap, type OutgoingRecord } from './envelope.js';
import type { NodeType } from './fields.js';
import type { JsonObject } from './json.js';

/** What the messages of a node have in common when a node of ours sends them. */

export interface NodeIdentity {
  readonly node_id: string;
  readonly node_type: NodeType;
  /** Semantic version, "1.2.3". */
  readonly node_version: string;
}

/** A node's message as a record: the envelope of existing nodes, field by field. */
export function fromNode(
  event_type: string,
  message_id: string,
  node_id: string,
  correlation_id: string | null,
  sentAt: Date,
  payload: JsonObject,
): OutgoingRecord {
  return wrap({
    message_id,
    correlation_id,
    event_type,
    node_id,
    sent_at: sentAt.toISOString(),
    source: `node/${node_id}`,
    payload,
  });
}
