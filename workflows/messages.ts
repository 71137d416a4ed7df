import { defineSearchAttributeKey } from '@temporalio/common';
import type { AskedBy } from '../src/protocol/asked-by.js';

/**
 * How the outside talks to a registration: names that clients and the workflow
 * share. No import of the workflow library, so that the bridge and the CLI can
 * use it too.
 */

export const WORKFLOW_TYPE = 'registration';

/** One workflow per node, whatever its incarnation. */
export function workflowId(node_id: string): string {
  return `registration/${node_id}`;
}

/** A signal and not an update: the bridge must not wait for a worker. */
export const INTROSPECTION_SIGNAL = 'introspection';
export const ACK_SIGNAL = 'ack';
/** What the node itself asks for, besides acks: the event model that the contract routes, and what it says. */
export const REQUEST_SIGNAL = 'request';
/** The lease of this node looks expired: verify it now. */
export const SUSPECT_SIGNAL = 'suspect';
/** What Consul or the registry shows of this node may differ from what its run knows: write both again. */
export const REPAIR_SIGNAL = 'repair';
/** What an operator asks for: an update, because a refusal must be explained. It answers the attempt's number. */
export const COMMAND_UPDATE = 'command';
/** ApplicationFailure type of a refused command; its message says why. */
export const COMMAND_REFUSED = 'CommandRefused';
export const STATUS_QUERY = 'status';

export const SEARCH_ATTRIBUTES = {
  node_id: defineSearchAttributeKey('NodeId', 'KEYWORD'),
  node_type: defineSearchAttributeKey('NodeType', 'KEYWORD'),
  state: defineSearchAttributeKey('RegistrationState', 'KEYWORD'),
} as const;

/** An ack as a signal. */
export interface AckSignal {
  readonly message_id: string;
  readonly node_id: string;
  readonly correlation_id: string;
  /**
   * When it was sent: the time of its Kafka record. null, as a client sends it: the time at which Temporal took the
   * signal. A client that names a time is believed, so leave it null unless a record stands behind it.
   */
  readonly at: string | null;
  /** The process that sent it, where it says so. */
  readonly instance_id?: string;
  /** Who acknowledges for the node, for its history. */
  readonly asked_by?: AskedBy;
}

/** A command: the event model that the contract routes, and what its handler reads besides a message id. */
export interface CommandRequest {
  readonly event_model: string;
  readonly payload?: Readonly<Record<string, unknown>>;
}

/** What a node may ask for itself, by its message. */
export const DRAIN: CommandRequest = Object.freeze({ event_model: 'ModelNodeDrainRequested' });
export const UNDRAIN: CommandRequest = Object.freeze({ event_model: 'ModelNodeUndrainRequested' });
/** An operator's eviction: the attempt ends. */
export const EVICT: CommandRequest = Object.freeze({ event_model: 'ModelNodeEvictionRequested' });

/** An operator's retry: the node's last introspection again, as a new registration attempt. */
export const RETRY: CommandRequest = Object.freeze({ event_model: 'ModelRegistrationReset' });
