import { v4 } from 'uuid';
import { z } from 'zod';
import type { OutgoingRecord } from './envelope.js';
import { correlationId, nodeId, nodeType, timestamp, type NodeType } from './fields.js';
import { fromNode, type NodeIdentity } from './from-node.js';
import { parseRecord, type Parsed, type RecordPlace } from './incoming.js';
import { instanceIn } from './instance.js';
import { nodeVersion, versionParts } from './node-version.js';

/** A node's heartbeat: specification, ModelNodeHeartbeatEvent. */

/** The normal form: what renews a lease. The other fields are validated at the edge and not kept. */
export interface Heartbeat {
  readonly node_id: string;
  readonly node_type: NodeType;
  /** The Kafka record's time. */
  readonly at: string;
  /** The process that sent it, where it says so. */
  readonly instance_id?: string;
}

const measure = z.number().min(0).nullish();

const schema = z.object({
  node_id: nodeId,
  node_type: nodeType,
  node_version: nodeVersion,
  uptime_seconds: measure,
  active_operations_count: z.int().min(0).nullish(),
  memory_usage_mb: measure,
  cpu_usage_percent: z.number().min(0).max(100).nullish(),
  correlation_id: correlationId.nullish(),
  timestamp: timestamp.nullish(),
});

/**
 * Reads a heartbeat.
 *
 * @param value the record's value
 * @param record where it was read, and its time
 */
export function parseHeartbeat(value: Buffer | null, record: RecordPlace): Parsed<Heartbeat> {
  return parseRecord(value, record, { fields: schema }, ({ fields: { node_id, node_type } }, _wrapped, at) => ({
    ok: true,
    message: { node_id, node_type, at, ...instanceIn(record.headers) },
  }));
}

/** What a node puts into its heartbeat. */
export interface HeartbeatToSend extends NodeIdentity {
  readonly correlation_id?: string | null;
  readonly uptime_seconds: number;
  readonly active_operations_count?: number;
  readonly memory_usage_mb?: number | null;
  /** 0 to 100. */
  readonly cpu_usage_percent?: number | null;
}

/**
 * Writes a heartbeat, field by field as existing nodes send it.
 *
 * @throws TypeError when node_version is no semantic version
 */
export function buildHeartbeat(message: HeartbeatToSend, sentAt: Date): OutgoingRecord {
  const { node_id, node_type, correlation_id = null } = message;
  return fromNode('NodeHeartbeatEvent', v4(), node_id, correlation_id, sentAt, {
    node_id,
    node_type,
    node_version: versionParts(message.node_version),
    uptime_seconds: message.uptime_seconds,
    active_operations_count: message.active_operations_count ?? 0,
    memory_usage_mb: message.memory_usage_mb ?? null,
    cpu_usage_percent: message.cpu_usage_percent ?? null,
    correlation_id,
    timestamp: sentAt.toISOString(),
  });
}
