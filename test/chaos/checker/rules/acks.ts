import { clock, firstAppearances, type NodeFacts } from '../facts.js';
import { acksOf, roundsOf } from './order.js';

/**
 * Who acknowledged in time becomes active, unless something newer of the same node came: a startup or a goodbye in the
 * log, or a higher attempt (begun again because its run was gone).
 */
export function ackedBecomeActive(node: NodeFacts): readonly string[] {
  const { events, introspections, row } = node;
  return firstAppearances(events)
    .filter(({ type, attempt }) => type === 'NodeRegistrationAccepted' && attempt === row?.attempt)
    .flatMap((accepted) => {
      const { attempt, correlation_id } = accepted;
      const ack = acksOf(node, { ...accepted, at: Infinity }).find(({ at }) =>
        roundsOf(node, accepted).some(({ from, to }) => from <= at && at <= to),
      );
      const isActive = events.some((event) => event.type === 'NodeBecameActive' && event.attempt === attempt);
      const began = introspections.findIndex((one) => one.correlation_id === correlation_id);
      const isSuperseded = introspections
        .slice(began + 1)
        .some(
          (one) => one.reason === 'shutdown' || (one.reason === 'startup' && one.correlation_id !== correlation_id),
        );
      if (ack === undefined || isActive || isSuperseded) return [];
      return [`attempt ${attempt} was acknowledged in time, at ${clock(ack.at)}, and never became active`];
    })
    .slice(0, 1);
}
