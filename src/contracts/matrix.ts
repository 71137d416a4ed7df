import { isDeepStrictEqual } from 'node:util';
import type { MatrixRow } from './compiled.js';
import type { HandlerContract, MatrixRowContract } from './schema.js';
import { ORCHESTRATOR_HANDLERS, type HandlerName } from './vocabulary.js';

/** A row with the layer that it comes from: 0 is the shipped contract, 1 what lies over it. */
export interface LayeredRow {
  readonly row: MatrixRow;
  readonly layer: number;
}

/**
 * The rows of a handler's decision matrix in the order in which they decide:
 * those of a higher layer first, within one layer the most specific first. A
 * row that repeats one of a lower layer changes nothing: it keeps its place
 * there, unless it is an exception to a more general row of its own layer.
 *
 * @param rows each row with its layer
 */
export function orderRows(rows: readonly LayeredRow[]): MatrixRow[] {
  const repeated = ({ row, layer }: LayeredRow): boolean =>
    rows.some((lower) => lower.layer < layer && isDeepStrictEqual(lower.row, row));
  const isException = ({ row, layer }: LayeredRow): boolean =>
    rows.some(
      (other) =>
        other.layer === layer && specificity(other.row) < specificity(row) && overlap(other.row, row).length > 0,
    );
  return rows
    .filter((each) => !repeated(each) || isException(each))
    .sort((a, b) => b.layer - a.layer || specificity(b.row) - specificity(a.row))
    .map(({ row }) => row);
}

/**
 * One row as the workflow reads it. A row of a handler that compares incarnations
 * is about newer ones unless it names another: a repeat and a stale message do
 * nothing by themselves.
 */
export function compileRow(row: MatrixRowContract, handler: HandlerContract['handler']): MatrixRow {
  const { current_state, reason = null, incarnation, action } = row;
  const distinguished: readonly string[] = ORCHESTRATOR_HANDLERS[handler.name as HandlerName].distinguishes;
  return {
    states: current_state === 'any' ? 'any' : Array.isArray(current_state) ? current_state : [current_state],
    reason,
    incarnation: incarnation ?? (distinguished.includes('incarnation') ? 'newer' : null),
    action,
  };
}

/** A named state makes a row more specific than a reason does. Of one handler, all rows have an incarnation or none. */
export function specificity(row: MatrixRow): number {
  return (row.states === 'any' ? 0 : 2) + (row.reason === null ? 0 : 1);
}

/**
 * In which states two rows can match one and the same message.
 *
 * @returns the states, "any" for every state; empty where no message matches both
 */
export function overlap(a: MatrixRow, b: MatrixRow): readonly (string | null)[] {
  const differ = (one: string | null, other: string | null): boolean => one !== null && other !== null && one !== other;
  if (differ(a.reason, b.reason) || differ(a.incarnation, b.incarnation)) return [];
  if (a.states === 'any') return b.states === 'any' ? ['any'] : b.states;
  const { states } = b;
  return states === 'any' ? a.states : a.states.filter((state) => states.includes(state));
}
