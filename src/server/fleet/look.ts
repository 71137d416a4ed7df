import type { StateView } from '../api/contract.js';
import type { LookReason } from '../api/fleet.js';
import type { FleetRow } from '../source.js';

/** A backend that has not confirmed for this long needs a look. Milliseconds. */
const BACKEND_AFTER = 30_000;
/** Who ended longer ago is history. */
const ENDED_WITHIN = 3_600_000;

/** conflict: heartbeats of another process. key: what its key has not signed. */
export type ConflictKind = Extract<LookReason, 'conflict' | 'key'>;

/**
 * Why a node needs a look now; null if it does not.
 *
 * @param conflict what else is sent in its name
 */
export function lookOf(
  row: FleetRow,
  view: StateView | undefined,
  initial: string,
  now: number,
  conflict: ConflictKind | null,
): LookReason | null {
  if (row.ended !== null)
    return view !== undefined && view.tone !== 'left' && now - row.ended < ENDED_WITHIN ? 'ended' : null;
  if (row.lease !== null && row.lease < now) return 'silent';
  if (row.round !== null && row.round > 1) return 'ack';
  if (row.state === initial && now - row.since > BACKEND_AFTER) return 'backend';
  return conflict;
}
