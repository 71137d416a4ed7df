import type { NodeState, NodeSteps } from '../../node/index.js';
import type { NodeType } from '../../protocol/fields.js';
import type { RegistryRow } from '../../registry/rows/read-registry-row.js';
import type { States } from '../terminal/states.js';

/** What the node itself knows. */
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
 * A node by the registry, or by itself where it knows more: the registry is
 * written when something lasts, and a node knows sooner that it was accepted.
 */
export function shownNode(node: NodeSide, row: RegistryRow | undefined, states: States): ShownNode {
  const { node_id, node_type, since } = node;
  const byNode = ahead(node.state, row, states);
  if (byNode !== null || row === undefined) {
    const attempt = row?.attempt ?? null;
    return { node_id, node_type, state: byNode ?? 'UNKNOWN', attempt, since, reason: null };
  }
  const { state, attempt, state_since, reason } = row;
  return { node_id, node_type, state, attempt, since: state_since, reason };
}

/** What the node knows and the registry does not yet show; null when the registry is as far. */
function ahead(state: NodeState, row: RegistryRow | undefined, states: States): string | null {
  const begins = row === undefined || row.state === states.initial;
  switch (state) {
    case 'idle':
    case 'connecting':
      return row === undefined ? 'STARTING' : null;
    case 'introducing':
      return row === undefined ? 'INTRODUCED' : null;
    case 'accepted':
      return begins ? states.awaitingAck : null;
    case 'acknowledged':
      return begins ? states.acknowledged : null;
    // A drained node was active, and its row says that sooner than the node.
    case 'draining':
    case 'active':
      return begins ? states.discoverable : null;
    case 'leaving':
    case 'left':
      return row === undefined || row.ended_at === null ? 'LEAVING' : null;
    case 'waiting':
      return row === undefined ? 'STARTING OVER' : null;
    // The row is about the other process.
    case 'superseded':
      return null;
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
