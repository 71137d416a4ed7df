import type { StateView } from '../api/contract.js';
import type { Look } from '../api/fleet.js';
import type { FleetRow } from '../source.js';

/** A backend that has not confirmed for this long needs a look. Milliseconds. */
const BACKEND_AFTER = 30_000;
/** Who ended longer ago is history. */
const ENDED_WITHIN = 3_600_000;

/**
 * Why a node needs a look now; null if it does not.
 *
 * @param conflicts another process sends heartbeats under its id
 */
export function lookOf(
  row: FleetRow,
  view: StateView | undefined,
  initial: string,
  now: number,
  conflicts: boolean,
): Look | null {
  if (row.ended !== null)
    return view !== undefined && view.tone !== 'left' && now - row.ended < ENDED_WITHIN ? 'ended' : null;
  if (row.lease !== null && row.lease < now) return 'silent';
  if (row.round !== null && row.round > 1) return 'ack';
  if (row.state === initial && now - row.since > BACKEND_AFTER) return 'backend';
  return conflicts ? 'conflict' : null;
}
