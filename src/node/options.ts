import type { KeyObject } from 'node:crypto';
import { v4 } from 'uuid';
import { errorText } from '../error-text.js';
import type { NodeType } from '../protocol/fields.js';
import { buildIntrospection, parseIntrospection, type Introspection } from '../protocol/introspection.js';
import type { BackoffOptions } from './backoff.js';
import { NodeError } from './errors.js';
import type { NodeHub, NodeHubOptions } from './hub.js';

/** What a node is. */
export interface NodeDescription {
  readonly node_type: NodeType;
  /** 1 to 128 letters, digits or any of . _ : - and the same after each restart. Default: a new UUID. */
  readonly node_id?: string;
  /** Semantic version, "1.2.3". */
  readonly version: string;
  /** Name to absolute URL. `health` is what Consul shows, else the first. Default: none. */
  readonly endpoints?: Readonly<Record<string, string>>;
  /** What it can do: names. Default: none. */
  readonly capabilities?: readonly string[];
  /**
   * A counter that this node keeps across restarts and adds to with each. Default: none, and the record's time in Kafka
   * orders incarnations.
   */
  readonly epoch?: number;
}

/** How long a node waits before it tries something again. Each pause is lengthened at random by up to half. */
export interface NodePauses {
  /** Sends its introspection again while nobody answers. Default 5 s doubling to 60 s. */
  readonly resend: BackoffOptions;
  /** Starts over after it has lost its life (liveness expired, ack too late). Default 2 s doubling to 60 s. */
  readonly startOver: BackoffOptions;
  /** Starts over after it was rejected, once the cause may have gone. Default 60 s doubling to 900 s. */
  readonly rejected: BackoffOptions;
  /** Tries again what Kafka did not take. Default 0.5 s doubling to 10 s. */
  readonly failure: BackoffOptions;
}

/** The pauses of a node that is given none. */
export const DEFAULT_PAUSES: NodePauses = {
  resend: { first_seconds: 5, max_seconds: 60 },
  startOver: { first_seconds: 2, max_seconds: 60 },
  rejected: { first_seconds: 60, max_seconds: 900 },
  failure: { first_seconds: 0.5, max_seconds: 10 },
};

/** How a node behaves. */
export interface NodeBehaviour {
  /** Acknowledges by itself when it was accepted. Default true; with false, call `node.ack()`. */
  readonly autoAck?: boolean;
  /** Heartbeat interval in seconds until the registrar publishes one. Default 10. */
  readonly heartbeat_interval_seconds?: number;
  /** How many operations are active, for the heartbeats. Default: none. */
  readonly activeOperations?: () => number;
  readonly pauses?: Partial<NodePauses>;
}

/** With which key a node signs what it sends. Without one, nothing is signed. */
export interface NodeKeys {
  /** Its private Ed25519 key, or the PEM of one; the same after each restart. */
  readonly signingKey?: KeyObject | string;
  /** Its key until now, while the registrar may know only that one: it hands over to `signingKey`. */
  readonly previousSigningKey?: KeyObject | string;
}

/** Either a connection of its own, or the one that all nodes of this process share. */
export type Connection = (Omit<NodeHubOptions, 'groupId'> & { readonly hub?: undefined }) | { readonly hub: NodeHub };

/** What a node is, how it behaves, and how it reaches Kafka. */
export type RegisteredNodeOptions = NodeDescription & NodeBehaviour & NodeKeys & Connection;

/** A description in its normal form. */
export type CheckedDescription = Pick<
  Introspection,
  'node_id' | 'node_type' | 'node_version' | 'endpoints' | 'capabilities' | 'epoch'
>;

/**
 * Puts the description through the registrar's own edge, so that what it would
 * refuse is refused here and now.
 *
 * @returns the description in its normal form
 * @throws NodeError that names the field
 */
export function checkDescription({
  node_type,
  node_id = v4(),
  version,
  endpoints = {},
  capabilities = [],
  epoch,
}: NodeDescription): CheckedDescription {
  const correlation_id = v4();
  const refuse = (reason: string, cause?: unknown): NodeError =>
    new NodeError(node_id, `cannot be described like this to a registrar: ${reason}`, { cause });
  let value: Buffer;
  try {
    ({ value } = buildIntrospection(
      {
        node_id,
        node_type,
        node_version: version,
        endpoints,
        capabilities,
        epoch: epoch ?? null,
        correlation_id,
        reason: 'startup',
      },
      new Date(),
    ));
  } catch (error) {
    throw refuse(errorText(error), error);
  }
  const read = parseIntrospection(value, { topic: '', partition: 0, offset: '0', timestamp: 0 });
  if (!read.ok) throw refuse(read.reason);
  return read.message;
}
