/** Answers of a broker that are not about everything that was sent to it. */

/** Kafka's names for a topic that is not there, may not be used, or cannot have that name. */
const TOPIC: ReadonlySet<unknown> = new Set([
  'UNKNOWN_TOPIC_OR_PARTITION',
  'TOPIC_AUTHORIZATION_FAILED',
  'INVALID_TOPIC_EXCEPTION',
]);
/** The second is also the answer of a broker that does not know yet that it leads a new partition. */
const LEADERLESS = ['LEADER_NOT_AVAILABLE', 'NOT_LEADER_FOR_PARTITION'];
const WITHOUT_LEADER: ReadonlySet<unknown> = new Set(LEADERLESS);
const NOT_YET: ReadonlySet<unknown> = new Set(['UNKNOWN_TOPIC_OR_PARTITION', ...LEADERLESS]);
const SIZE: ReadonlySet<unknown> = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE']);

/** Whether one of the topics that were sent to is the trouble. */
export function isAboutATopic(error: unknown): boolean {
  return hasType(error, TOPIC);
}

/** Whether a partition has no leader for now. */
export function isWithoutLeader(error: unknown): boolean {
  return hasType(error, WITHOUT_LEADER);
}

/** Whether a topic that was just created is not known everywhere yet. */
export function isNotYetThere(error: unknown): boolean {
  return hasType(error, NOT_YET);
}

/** Whether the broker takes no record of this size: it never will, as long as it is set up as it is. */
export function isTooLarge(error: unknown): boolean {
  return hasType(error, SIZE);
}

/** kafkajs wraps the broker's answer in errors of its own. */
function hasType(error: unknown, types: ReadonlySet<unknown>): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if ('type' in cause && types.has(cause.type)) return true;
  return false;
}
