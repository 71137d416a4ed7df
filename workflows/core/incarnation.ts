import type { Introspection } from '../../src/protocol/introspection.js';
import type { Incarnation } from './registration.js';

/** More than a node's own repeats need; it bounds what continue-as-new carries. */
const REMEMBERED = 20;

/**
 * How an introspection stands to the incarnation that is known: newer,
 * duplicate or stale. Ordered by epoch when both carry one, else (and when they
 * carry the same) by the Kafka record's time; a correlation_id that was seen
 * in this attempt is a duplicate whatever its time. A duplicate never does
 * anything; a new incarnation always wins.
 *
 * @param over the attempt of `known` has ended: then the same time means a
 *   message delivered again, whose id the record no longer has. While it runs,
 *   the same time is another message of the same append.
 */
export function compareIncarnation(
  known: Incarnation | null,
  introspection: Introspection,
  over: boolean,
): 'newer' | 'duplicate' | 'stale' {
  if (known === null) return 'newer';
  if (known.seen.includes(introspection.correlation_id)) return 'duplicate';
  if (known.epoch !== null && introspection.epoch !== null && known.epoch !== introspection.epoch)
    return introspection.epoch > known.epoch ? 'newer' : 'stale';
  return introspection.at > known.at || (introspection.at === known.at && !over) ? 'newer' : 'stale';
}

/** The incarnation that an introspection begins. */
export function incarnationOf(introspection: Introspection): Incarnation {
  const { correlation_id, epoch, at } = introspection;
  return Object.freeze({ correlation_id, epoch, at, seen: Object.freeze([correlation_id]) });
}

/** The same incarnation, after another introspection of it. */
export function withSeen(incarnation: Incarnation, introspection: Introspection): Incarnation {
  return Object.freeze({
    ...incarnation,
    at: introspection.at > incarnation.at ? introspection.at : incarnation.at,
    seen: Object.freeze([...incarnation.seen, introspection.correlation_id].slice(-REMEMBERED)),
  });
}
