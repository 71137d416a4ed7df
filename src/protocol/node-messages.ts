import { v4 } from 'uuid';
import { flagsOf } from './capability-flags.js';
import type { NodeType, Reason } from './messages.js';
import { seal, type OutgoingRecord } from './outgoing.js';

/** What a node of ours sends: field by field what existing nodes send, in the same envelope. */

export interface NodeIdentity {
  readonly node_id: string;
  readonly node_type: NodeType;
  /** Semantic version, "1.2.3". */
  readonly node_version: string;
}

export interface IntrospectionToSend extends NodeIdentity {
  readonly correlation_id: string;
  readonly endpoints: Readonly<Record<string, string>>;
  readonly capabilities: readonly string[];
  readonly reason: Reason;
  readonly epoch?: number | null;
}

export interface HeartbeatToSend extends NodeIdentity {
  readonly correlation_id?: string | null;
  readonly uptime_seconds: number;
  readonly active_operations_count?: number;
  readonly memory_usage_mb?: number | null;
  readonly cpu_usage_percent?: number | null;
}

export interface AckToSend {
  readonly node_id: string;
  /** The one of the registration that was accepted. */
  readonly correlation_id: string;
}

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

/** A node introduces itself. */
export function buildIntrospection(message: IntrospectionToSend, sentAt: Date): OutgoingRecord {
  const { node_id, correlation_id } = message;
  return fromNode('NodeIntrospectionEvent', v4(), node_id, correlation_id, sentAt, {
    node_id,
    node_type: message.node_type,
    node_version: versionParts(message.node_version),
    declared_capabilities: {
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
      ...flagsOf(message.capabilities),
    },
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

/** A node acknowledges that it was accepted. */
export function buildAck({ node_id, correlation_id }: AckToSend, sentAt: Date): OutgoingRecord {
  const command_id = v4();
  return fromNode('NodeRegistrationAcked', command_id, node_id, correlation_id, sentAt, {
    command_id,
    node_id,
    correlation_id,
    timestamp: sentAt.toISOString(),
  });
}

/** A node says that it lives. */
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

function fromNode(
  event_type: string,
  message_id: string,
  node_id: string,
  correlation_id: string | null,
  sentAt: Date,
  payload: Readonly<Record<string, unknown>>,
): OutgoingRecord {
  return seal({
    message_id,
    correlation_id,
    event_type,
    node_id,
    sent_at: sentAt.toISOString(),
    source: `node/${node_id}`,
    payload,
  });
}

function versionParts(version: string): Readonly<Record<string, unknown>> {
  const [, major, minor, patch, prerelease, build] =
    /^(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?(?:\+([0-9A-Za-z.-]+))?$/.exec(version) ?? [];
  if (major === undefined)
    throw new TypeError(`node_version: expected a semantic version such as 1.2.3, got ${JSON.stringify(version)}`);
  return {
    major: Number(major),
    minor: Number(minor),
    patch: Number(patch),
    prerelease: identifiers(prerelease),
    build: build?.split('.') ?? null,
  };
}

/** Existing nodes keep a prerelease as the list of its identifiers, numbers as numbers. */
function identifiers(label: string | undefined): readonly (string | number)[] | null {
  return label?.split('.').map((part) => (/^\d+$/.test(part) ? Number(part) : part)) ?? null;
}
