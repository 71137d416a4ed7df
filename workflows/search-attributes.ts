import { upsertSearchAttributes } from '@temporalio/workflow';
import type { CompiledContract } from '../src/contracts/compiled.js';
import { isOver, type Registration } from './core/registration.js';
import { SEARCH_ATTRIBUTES } from './messages.js';

/**
 * The state as people filter by it in lists. Each change costs a transaction of
 * the server, so a short-lived state counts as the first one. Lasting are the
 * ends and the states with a timer; a state whose timer has rounds only from
 * its second round on.
 */
export function filteredState(registration: Registration, contract: CompiledContract): string {
  const { state, round } = registration;
  const { initial, states } = contract.orchestrator;
  if (state === null) return initial;
  const { terminal = false, timer = null } = states[state] ?? {};
  const hasRounds = timer !== null && (contract.timers[timer]?.rounds ?? null) !== null;
  const lasts = terminal ? isOver(registration) : timer !== null && (!hasRounds || round > 1);
  return lasts ? state : initial;
}

/** Keeps the search attributes as the node is, and writes only what has changed. */
export class SearchAttributes {
  constructor(
    private state: string,
    private nodeType: string | null,
  ) {}

  show(registration: Registration, contract: CompiledContract): void {
    const state = filteredState(registration, contract);
    if (state !== this.state) upsertSearchAttributes([{ key: SEARCH_ATTRIBUTES.state, value: state }]);
    this.state = state;
    const nodeType = registration.introspection?.node_type ?? null;
    if (nodeType !== null && this.nodeType !== null && nodeType !== this.nodeType) {
      upsertSearchAttributes([{ key: SEARCH_ATTRIBUTES.node_type, value: nodeType }]);
    }
    this.nodeType = nodeType;
  }
}
