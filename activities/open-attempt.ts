import type { Pool } from 'pg';
import type { CompiledContract } from '../src/contracts/compiled.js';
import { placeOf } from '../src/registry/pool.js';
import { readLastAttempt } from '../src/registry/rows/read-last-attempt.js';
import type { Activities } from './api.js';
import { asking } from './failures.js';

/**
 * Opens an attempt: the record's last word on the node, so that attempt numbers
 * grow across runs and an old introspection resurrects nobody; and the contract
 * that this worker runs now, so that it is in history.
 */
export function openAttempt(pool: Pool, contract: CompiledContract): Activities['open_attempt'] {
  return async (node_id) => {
    const row = await asking(
      {
        backend: `PostgreSQL at ${placeOf(pool)}`,
        what: `tell the last attempt of node ${node_id}`,
        node_id,
        ifRefused: 'look at the rights of the database user',
      },
      () => readLastAttempt(pool, node_id),
    );
    return { row, contract };
  };
}
