import { LIVING, livesOf, type NodeFacts } from '../facts.js';
import type { Snapshot } from '../snapshot.js';

/** Ends as the specification and the contract name them. */
const ENDS: readonly string[] = ['REJECTED', 'ACK_TIMED_OUT', 'LIVENESS_EXPIRED', 'DEREGISTERED'];

/**
 * The newest incarnation of a node is the one that the registry shows, ACTIVE or DRAINING, or in a named end with a
 * reason. An older one has ended by it: its attempt is lower.
 */
export function incarnationsEnd({ introspections, row }: NodeFacts): readonly string[] {
  const newest = newestStartup(introspections);
  if (newest === -1) return [];
  const { correlation_id } = introspections[newest] ?? { correlation_id: '' };
  if (row === undefined) return [`introduced itself as ${correlation_id}, and the registry does not know it`];
  // Whatever a node says of itself after an end begins a new attempt, also without a new start.
  const since = introspections.slice(newest).filter(({ reason }) => reason !== 'shutdown');
  const found: string[] = [];
  if (!since.some((one) => one.correlation_id === row.correlation_id))
    found.push(`its newest incarnation is ${correlation_id}, the registry's is ${row.correlation_id}`);
  if (row.ended_at === null && LIVING[row.state] === undefined) found.push(`rests in ${row.state}, which is no end`);
  if (row.ended_at !== null && !ENDS.includes(row.state)) found.push(`ended in ${row.state}, which is no named end`);
  if (row.ended_at !== null && (row.reason ?? '') === '') found.push(`ended in ${row.state} without a reason`);
  // A repeated goodbye of an older incarnation is no goodbye of this one.
  const isOlder = (id: string): boolean => introspections.findIndex((one) => one.correlation_id === id) < newest;
  const goodbyes = introspections.slice(newest).filter(({ reason }) => reason === 'shutdown');
  if (row.ended_at === null && goodbyes.some((one) => !isOlder(one.correlation_id)))
    found.push(`has said goodbye, and is ${row.state}`);
  return found;
}

/** The place of the first record of the newest incarnation; -1 where there is none. A repeat begins nothing. */
function newestStartup(introspections: NodeFacts['introspections']): number {
  return introspections.findLastIndex(
    ({ reason, correlation_id }, place) =>
      reason === 'startup' && introspections.findIndex((other) => other.correlation_id === correlation_id) === place,
  );
}

/** Whoever is there at the end, answers and beats, is ACTIVE or DRAINING, whatever happened before. */
export function livingAreActive({ deeds, row }: NodeFacts, _: Snapshot): readonly string[] {
  if (livesOf(deeds).at(-1)?.to !== Infinity) return [];
  if (row?.ended_at === null && LIVING[row.state] !== undefined) return [];
  return [`lives, and is ${row?.state ?? 'unknown to the registry'} (${row?.reason ?? 'no reason'})`];
}
