import type { IncomingRecord } from '../kafka/index.js';
import type { RecordPlace } from '../protocol/incoming.js';

/**
 * A record with the time from which it counts. Where the broker has set it, it is that one. A sender's clock may be
 * wrong by years: such a record counts from now, when it is read.
 */
export function timed(record: IncomingRecord): RecordPlace {
  return record.isBrokersTime ? record : { ...record, timestamp: Date.now() };
}

/**
 * The same for an answer that has a deadline: one that was sent in time is in time, also when it is read late. A clock
 * that is ahead gains nothing, and one that is behind harms nobody.
 */
export function timedAnswer(record: IncomingRecord): RecordPlace {
  const { timestamp, isBrokersTime } = record;
  const now = Date.now();
  return isBrokersTime || (timestamp > 0 && timestamp < now) ? record : { ...record, timestamp: now };
}
