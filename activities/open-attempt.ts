import type { Pool } from 'pg';
import type { CompiledContract } from '../src/contracts/compiled.js';
import { banText, readBan } from '../src/registry/bans.js';
import { databaseAddress } from '../src/registry/pool.js';
import { readLastAttempt } from '../src/registry/rows/read-last-attempt.js';
import { whileWanted } from '../src/registry/while-wanted.js';
import type { Activities } from './api.js';
import { callBackend, DATABASE_SET_UP } from './failures.js';

/**
 * Opens a registration attempt. The registry row makes attempt numbers grow across runs, and lets an old introspection
 * resurrect nobody. Whether the node is banned, and the contract that this worker runs now, come with it: both are in
 * history.
 */
export function openAttempt(pool: Pool, contract: CompiledContract): Activities['open_attempt'] {
  return async (node_id) => {
    const { row, ban } = await callBackend(
      {
        backend: `PostgreSQL at ${databaseAddress(pool)}`,
        what: `read the registry row of node ${node_id}`,
        node_id,
        setUp: DATABASE_SET_UP,
      },
      (signal) =>
        whileWanted(pool, signal, async (sql) => ({
          row: await readLastAttempt(sql, node_id),
          ban: await readBan(sql, node_id),
        })),
    );
    return { row, ban: ban === null ? null : banText(ban), contract };
  };
}
