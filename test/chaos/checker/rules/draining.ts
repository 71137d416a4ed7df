import { clock, firstAppearances, LIVING, type NodeFacts } from '../facts.js';
import type { Snapshot } from '../snapshot.js';

/**
 * Who asks to be drained is drained, and found again when it asks for that: of the requests after it became active, in
 * its newest attempt, the last one counts. (One whose run somebody ends has nobody who handles its request.)
 */
export function drainsAsItAsks({ row, runs, events, drains }: NodeFacts): readonly string[] {
  if (row === undefined || row.ended_at !== null) return [];
  const own = drains.filter(({ correlation_id }) => correlation_id === row.correlation_id);
  if (row.state === 'DRAINING' && !own.some(({ draining }) => draining))
    return [`is DRAINING, and has not asked for it in attempt ${row.attempt}`];
  const active = events.find(({ type, attempt }) => type === 'NodeBecameActive' && attempt === row.attempt);
  const last = own.at(-1);
  const isEndedByOthers = runs.some(({ status }) => status === 'TERMINATED' || status === 'CANCELLED');
  if (active === undefined || last === undefined || last.at < active.at || isEndedByOthers) return [];
  const wanted = last.draining ? 'DRAINING' : 'ACTIVE';
  return row.state === wanted ? [] : [`asked at ${clock(last.at)} to be ${wanted}, and is ${row.state}`];
}

/** Nobody drains in an attempt that has not asked for it. */
export function drainingAfterRequest({ events, drains }: NodeFacts): readonly string[] {
  return firstAppearances(events)
    .filter(({ type }) => type === 'NodeDraining')
    .filter(
      ({ at, correlation_id }) =>
        !drains.some((one) => one.draining && one.correlation_id === correlation_id && one.at <= at),
    )
    .map(({ attempt, at }) => `attempt ${attempt} drained at ${clock(at)} without having asked for it`);
}

/** A node of the SDK that lives by its lease knows whether it drains. */
export function knowsWhetherItDrains({ node_id, row }: NodeFacts, { standing }: Snapshot): readonly string[] {
  const knows = standing.find((one) => one.node_id === node_id);
  if (knows === undefined || row === undefined || row.ended_at !== null || LIVING[row.state] === undefined) return [];
  return knows.state === row.state.toLowerCase() ? [] : [`is ${row.state}, and takes itself to be ${knows.state}`];
}
