import { v4 } from 'uuid';
import { z } from 'zod';
import { open, type OutgoingRecord } from './envelope.js';
import { correlationId, nodeId, nodeType, timestamp } from './fields.js';
import { fromNode, type NodeIdentity } from './from-node.js';
import { parsePayload, type Parsed, type RecordPlace } from './incoming.js';
import { instanceIn } from './instance.js';
import type { JsonObject } from './json.js';
import { nodeVersion, versionParts } from './node-version.js';

/** A node's heartbeat: specification, ModelNodeHeartbeatEvent. */

/** The normal form: what renews a lease. */
export interface Heartbeat {
  readonly node_id: string;
  /** The Kafka record's time. */
  readonly at: string;
  /** The process that sent it, where it says so. */
  readonly instance_id?: string;
  /** Fields whose values mean nothing, by name. Nothing depends on them: the node lives. */
  readonly dropped: readonly string[];
}

const measure = z.number().min(0);

/** What a heartbeat says besides its node_id is for people and is not kept. */
export const COSMETIC: Readonly<Record<string, z.ZodType>> = {
  node_type: nodeType,
  node_version: nodeVersion,
  uptime_seconds: measure,
  active_operations_count: z.int().min(0),
  memory_usage_mb: measure,
  cpu_usage_percent: measure.max(100),
  correlation_id: correlationId,
  timestamp,
};

const schema = z.object({ node_id: nodeId });

/**
 * Reads a heartbeat. Its node_id is all that it needs.
 *
 * @param value the record's value
 * @param record where it was read, and its time
 */
export function parseHeartbeat(value: Buffer | null, record: RecordPlace): Parsed<Heartbeat> {
  return parsePayload(open(value), record, { fields: schema }, ({ fields: { node_id } }, { payload }, at) => ({
    ok: true,
    message: { node_id, at, dropped: oddFields(payload), ...instanceIn(record.headers) },
  }));
}

function oddFields(payload: JsonObject): readonly string[] {
  return Object.entries(COSMETIC).flatMap(([name, expected]) => {
    const value = payload[name] ?? null;
    return value === null || expected.safeParse(value).success ? [] : [name];
  });
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
