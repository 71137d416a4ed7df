import type { Introspection } from '../../src/protocol/introspection.js';
import { isAnother } from '../../src/protocol/instance.js';
import type { Incarnation } from './registration.js';

/** More than a node's own repeats need. It bounds what continue-as-new carries. */
const REMEMBERED = 20;

/**
 * How an introspection stands to the incarnation that is known.
 *
 * - duplicate: it never has an effect. Only a startup can be one: its correlation_id was seen in this attempt, or began
 *   an attempt that this running one has superseded. A startup that was sent after the attempt ended is no duplicate
 *   where no event announced that end: its node would wait for an answer for ever.
 * - newer, stale: ordered by epoch when both carry one and they differ, else by the Kafka record's time. The
 *   correlation_id does not count here, since many nodes use one for their whole life. While the attempt runs, another
 *   process can be newer only by a startup: whatever else it sends is stale.
 *
 * @param over the attempt of `known` has ended. The same time then means a message that is delivered again, whose id
 *   the registry row no longer has; while the attempt runs, it means another message of the same append. A startup is
 *   then ordered by time alone: a node that has lost its disk counts its epochs from the beginning.
 */
export function compareIncarnation(
  known: Incarnation | null,
  introspection: Introspection,
  over: boolean,
): 'newer' | 'duplicate' | 'stale' {
  if (known === null) return 'newer';
  const { correlation_id, epoch, at, reason } = introspection;
  const isStartup = reason === 'startup';
  if (isStartup && isRepeat(known, correlation_id, over)) return isStillAsking(known, at) ? 'newer' : 'duplicate';
  if (!over && !isStartup && isAnother(known.instance_id, introspection.instance_id)) return 'stale';
  const byEpoch = known.epoch !== null && epoch !== null && known.epoch !== epoch && !(isStartup && over);
  if (byEpoch) return epoch > known.epoch ? 'newer' : 'stale';
  return at > known.at || (at === known.at && !over) ? 'newer' : 'stale';
}

function isStillAsking({ unannounced_end }: Incarnation, at: string): boolean {
  return at > (unannounced_end ?? at);
}

function isRepeat(known: Incarnation, correlation_id: string, over: boolean): boolean {
  if (known.correlation_id === correlation_id || known.seen.includes(correlation_id)) return true;
  return !over && known.superseded?.includes(correlation_id) === true;
}

/** The incarnation that an introspection begins, after the one that was known before. */
export function incarnationOf(introspection: Introspection, before: Incarnation | null): Incarnation {
  const { correlation_id, epoch, at, instance_id } = introspection;
  const earlier = before === null ? [] : [...(before.superseded ?? []), before.correlation_id];
  return Object.freeze({
    correlation_id,
    epoch,
    at,
    seen: Object.freeze([correlation_id]),
    superseded: Object.freeze(earlier.filter((id) => id !== correlation_id).slice(-REMEMBERED)),
    ...(instance_id === undefined ? {} : { instance_id }),
  });
}

/** The same incarnation, after another introspection of it. */
export function withSeen(incarnation: Incarnation, { correlation_id, at }: Introspection): Incarnation {
  return Object.freeze({
    ...incarnation,
    at: at > incarnation.at ? at : incarnation.at,
    seen: Object.freeze([...incarnation.seen.filter((id) => id !== correlation_id), correlation_id].slice(-REMEMBERED)),
  });
}
