import type { Pool } from 'pg';
import type { CompiledContract } from '../src/contracts/compiled.js';
import { placeOf } from '../src/registry/pool.js';
import { readLastAttempt } from '../src/registry/rows/read-last-attempt.js';
import { whileWanted } from '../src/registry/while-wanted.js';
import type { Activities } from './api.js';
import { callBackend, DATABASE_SET_UP } from './failures.js';

/**
 * Opens a registration attempt. The registry row makes attempt numbers grow across runs, and lets an old introspection
 * resurrect nobody. The contract that this worker runs now comes with it, so that it is in history.
 */
export function openAttempt(pool: Pool, contract: CompiledContract): Activities['open_attempt'] {
  return async (node_id) => {
    const row = await callBackend(
      {
        backend: `PostgreSQL at ${placeOf(pool)}`,
        what: `read the registry row of node ${node_id}`,
        node_id,
        setUp: DATABASE_SET_UP,
      },
      (signal) => whileWanted(pool, signal, (sql) => readLastAttempt(sql, node_id)),
    );
    return { row, contract };
  };
}
