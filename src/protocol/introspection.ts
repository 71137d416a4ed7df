import { v4 } from 'uuid';
import { z } from 'zod';
import { capabilityFields, flagsOf } from './capabilities.js';
import { endpointFields, type Endpoints } from './endpoints.js';
import type { OutgoingRecord } from './envelope.js';
import { correlationId, lowerCase, nodeId, nodeType, timestamp, type NodeType } from './fields.js';
import { fromNode, type NodeIdentity } from './from-node.js';
import { idOfRecord, parseRecord, type Parsed, type RecordPlace } from './incoming.js';
import { instanceIn } from './instance.js';
import { nodeVersion, versionParts } from './node-version.js';

/** A node introduces itself: specification, Phase 1, ModelNodeIntrospectionEvent. */

/** Why a node introduces itself. `startup` (or nothing) is a new incarnation. */
export const REASONS = ['startup', 'request', 'heartbeat', 'health_change', 'capability_change', 'shutdown'] as const;
export type Reason = (typeof REASONS)[number];

/** The normal form. */
export interface Introspection {
  /** The envelope's id, else uuid v5 of topic, partition and offset: the root of the causation chain. */
  readonly message_id: string;
  readonly correlation_id: string;
  readonly node_id: string;
  readonly node_type: NodeType;
  /** Semantic version, "1.2.3" or "1.2.3-rc.1". */
  readonly node_version: string;
  /** Name to absolute URL; a relative health endpoint is already joined to the first endpoint. */
  readonly endpoints: Endpoints;
  /** Sorted, without repetition. */
  readonly capabilities: readonly string[];
  readonly reason: Reason;
  /** The node's own incarnation counter, where it keeps one. */
  readonly epoch: number | null;
  /** The Kafka record's time (LogAppendTime), never the node's clock. */
  readonly at: string;
  /** The process that sent it, where it says so. */
  readonly instance_id?: string;
}

/** The specification's shape and that of existing nodes; endpoints and capabilities have schemas of their own. */
const fieldsSchema = z.object({
  node_id: nodeId,
  node_type: nodeType,
  node_version: nodeVersion,
  reason: z.preprocess((value) => lowerCase(value ?? 'startup'), z.enum(REASONS)).default('startup'),
  correlation_id: correlationId.nullish(),
  epoch: z.int().min(0).nullish(),
  timestamp: timestamp.nullish(),
});

/** Together they are an introspection as it is read. */
export const introspectionFields = { fields: fieldsSchema, endpoints: endpointFields, capabilities: capabilityFields };

/**
 * Reads a node's introspection, in the specification's shape or an existing
 * node's.
 *
 * @param value the record's value
 * @param record where it was read, and its time
 */
export function parseIntrospection(value: Buffer | null, record: RecordPlace): Parsed<Introspection> {
  return parseRecord(value, record, introspectionFields, ({ fields, endpoints, capabilities }, wrapped, at) => {
    const fallback = idOfRecord(record);
    return {
      ok: true,
      message: {
        message_id: wrapped.envelope_id ?? fallback,
        correlation_id: fields.correlation_id ?? wrapped.correlation_id ?? fallback,
        node_id: fields.node_id,
        node_type: fields.node_type,
        node_version: fields.node_version,
        endpoints,
        capabilities,
        reason: fields.reason,
        epoch: fields.epoch ?? null,
        at,
        ...instanceIn(record.headers),
      },
    };
  });
}

/** What a node puts into its introspection. */
export interface IntrospectionToSend extends NodeIdentity {
  readonly correlation_id: string;
  readonly endpoints: Endpoints;
  readonly capabilities: readonly string[];
  readonly reason: Reason;
  readonly epoch?: number | null;
}

const NO_CAPABILITIES = {
  postgres: false,
  read: false,
  write: false,
  database: false,
  transactions: false,
  processing: false,
  batch_size: null,
  max_batch: null,
  supported_types: [],
  routing: false,
  feature: false,
  config: {},
  mcp: null,
};

const NO_METADATA = {
  version: null,
  environment: null,
  region: null,
  cluster: null,
  description: null,
  priority: null,
  key: null,
  key1: null,
  meta: null,
};

/**
 * Writes a node's introspection, field by field as existing nodes send it.
 *
 * @throws TypeError when node_version is no semantic version
 */
export function buildIntrospection(message: IntrospectionToSend, sentAt: Date): OutgoingRecord {
  const { node_id, correlation_id } = message;
  return fromNode('NodeIntrospectionEvent', v4(), node_id, correlation_id, sentAt, {
    node_id,
    node_type: message.node_type,
    node_version: versionParts(message.node_version),
    declared_capabilities: { ...NO_CAPABILITIES, ...flagsOf(message.capabilities) },
    discovered_capabilities: { operations: [], has_fsm: false, method_signatures: {}, attributes: {} },
    contract_capabilities: null,
    endpoints: message.endpoints,
    current_state: null,
    reason: message.reason,
    correlation_id,
    timestamp: sentAt.toISOString(),
    node_role: null,
    metadata: NO_METADATA,
    network_id: null,
    deployment_id: null,
    epoch: message.epoch ?? null,
    performance_metrics: null,
    event_bus: null,
  });
}
