import type { NodeState } from '../../node/index.js';
import type { NodeType } from '../../protocol/fields.js';
import type { RegistryRow } from '../../registry/rows/read-registry-row.js';
import type { NodeSteps } from '../../node/index.js';

/** What the node itself says. */
export interface NodeSide {
  readonly node_id: string;
  readonly node_type: NodeType;
  readonly state: NodeState;
  /** When it entered that state, ISO 8601. */
  readonly since: string;
  readonly steps: NodeSteps;
}

/** A node as the table shows it. */
export interface ShownNode {
  readonly node_id: string;
  readonly node_type: string;
  readonly state: string;
  readonly attempt: number | null;
  readonly since: string;
  readonly reason: string | null;
}

/**
 * The record's word, and where the record is silent the node's own: the record
 * is written when something lasts, and a node knows sooner that it was accepted.
 */
export function shownNode(node: NodeSide, record: RegistryRow | undefined): ShownNode {
  const { node_id, node_type } = node;
  const byNode = ahead(node.state, record);
  if (byNode !== null || record === undefined)
    return {
      node_id,
      node_type,
      state: byNode ?? 'UNKNOWN',
      attempt: record?.attempt ?? null,
      since: node.since,
      reason: null,
    };
  return {
    node_id,
    node_type,
    state: record.state,
    attempt: record.attempt,
    since: record.state_since,
    reason: record.reason,
  };
}

function ahead(state: NodeState, record: RegistryRow | undefined): string | null {
  const isOpen = record === undefined || record.ended_at === null;
  switch (state) {
    case 'idle':
    case 'connecting':
      return record === undefined ? 'STARTING' : null;
    case 'introducing':
      return record === undefined ? 'INTRODUCED' : null;
    case 'accepted':
      return record?.state === 'PENDING_REGISTRATION' ? 'AWAITING_ACK' : null;
    case 'acknowledged':
      return record?.state === 'PENDING_REGISTRATION' ? 'ACK_RECEIVED' : null;
    case 'leaving':
    case 'left':
      return isOpen ? 'LEAVING' : null;
    case 'active':
      return record === undefined || record.state === 'PENDING_REGISTRATION' ? 'ACTIVE' : null;
    case 'waiting':
      return record === undefined ? 'STARTING OVER' : null;
  }
}

/** The line that programs read. */
export interface Summary {
  readonly nodes: number;
  readonly active: number;
  readonly failed: number;
  /** From the command's start to the last node active; null while one is not. */
  readonly seconds: number | null;
}

/** @param failed nodes that have become active, but not left in order */
export function summarise(nodes: readonly { readonly steps: NodeSteps }[], commandStart: number, failed = 0): Summary {
  const actives = nodes.flatMap(({ steps }) => (steps.active === undefined ? [] : [steps.active]));
  const all = actives.length === nodes.length && nodes.length > 0;
  return {
    nodes: nodes.length,
    active: actives.length,
    failed: nodes.length - actives.length + failed,
    seconds: all ? Math.round((Math.max(...actives) - commandStart) / 10) / 100 : null,
  };
}
