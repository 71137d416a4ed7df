import type { Pool } from 'pg';
import type { HeartbeatTopics } from '../src/registry/leases/heartbeat-stream.js';
import { lowestWatermark } from '../src/registry/leases/watermarks.js';
import { databaseAddress } from '../src/registry/pool.js';
import { whileWanted } from '../src/registry/while-wanted.js';
import type { Activities } from './api.js';
import { callBackend, DATABASE_SET_UP } from './failures.js';

export interface VerifyAcksReadOptions {
  /** Final names of the topics on which acks come. */
  readonly ackTopics: HeartbeatTopics;
}

/** Verifies that everything was read that could have been a node's ack, before the node is given up for want of one. */
export function verifyAcksRead(pool: Pool, { ackTopics }: VerifyAcksReadOptions): Activities['verify_acks_read'] {
  const named = ackTopics.join(' and ');
  return async (deadline) => {
    const watermark = await callBackend(
      {
        backend: `PostgreSQL at ${databaseAddress(pool)}`,
        what: `read the watermark of ${named}`,
        setUp: DATABASE_SET_UP,
      },
      (signal) => whileWanted(pool, signal, (sql) => lowestWatermark(sql, ackTopics)),
    );
    // More records can come with the watermark's own time; none come with an earlier one.
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
