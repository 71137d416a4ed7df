import type { Pool } from 'pg';
import { placeOf } from '../src/registry/pool.js';
import type { Topics } from '../src/registry/leases/heartbeat-stream.js';
import { lowestWatermark } from '../src/registry/leases/watermarks.js';
import type { Activities } from './api.js';
import { asking } from './failures.js';

export interface VerifyAcksReadOptions {
  /** Final names of the topics on which acks come. */
  readonly ackTopics: Topics;
}

/** Before a node is given up for want of an ack: has everything been read that could have been one? */
export function verifyAcksRead(pool: Pool, { ackTopics }: VerifyAcksReadOptions): Activities['verify_acks_read'] {
  const named = ackTopics.join(' and ');
  return async (deadline) => {
    const watermark = await asking(
      {
        backend: `PostgreSQL at ${placeOf(pool)}`,
        what: `say how far ${named} is read`,
        ifRefused: 'look at the rights of the database user',
      },
      () => lowestWatermark(pool, ackTopics),
    );
    // At the watermark itself more may come; past it nothing does.
    if (watermark !== null && Date.parse(watermark) > Date.parse(deadline)) return { read: true };
    return {
      read: false,
      why:
        watermark === null
          ? `${named} was never read: is the bridge running?`
          : `${named} is read up to ${watermark} only, not past the deadline ${deadline}`,
      again_in_seconds: 0.8 + 0.4 * Math.random(),
    };
  };
}
