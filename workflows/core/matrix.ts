import type { CompiledContract, MatrixRow } from '../../src/contracts/compiled.js';
import { currentState, isOver, type Registration } from './registration.js';

/**
 * Looks a message up in its handler's decision matrix (specification, Phase 1,
 * "Handler Routing"). Rows are compiled most specific first, so the first that
 * matches decides.
 *
 * @returns the row's action, "no_op" where no row matches
 */
export function matchRow(
  contract: CompiledContract,
  event_model: string,
  registration: Registration,
  message: { readonly reason?: string; readonly incarnation?: MatrixRow['incarnation'] },
): string {
  const over = isOver(registration);
  const state = currentState(registration);
  const matches = (row: MatrixRow): boolean =>
    (row.states === 'any' ? !over : row.states.includes(state) || (over && row.states.includes(null))) &&
    (row.reason === null || row.reason === message.reason) &&
    (row.incarnation === null || row.incarnation === message.incarnation);
  return contract.handlers[event_model]?.matrix.find(matches)?.action ?? 'no_op';
}
