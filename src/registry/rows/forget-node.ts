import type { Pool } from 'pg';
import { inTransaction } from '../pool.js';

/** What there was of a node. */
export interface Forgotten {
  readonly rows: number;
  readonly leases: number;
}

/**
 * Deletes what the registry holds of a node: its row if its attempt has ended, and then its lease and its conflicts.
 * What people asked for stays, and so does a ban.
 *
 * @returns null: its attempt has not ended, and nothing is deleted
 */
export async function deleteNodeRows(pool: Pool, node_id: string): Promise<Forgotten | null> {
  return inTransaction(pool, async (sql) => {
    const { rows } = await sql.query<{ ended: boolean }>(
      'select ended_at is not null as ended from node_registrations where node_id = $1 for update',
      [node_id],
    );
    if (rows[0]?.ended === false) return null;
    const row = await sql.query('delete from node_registrations where node_id = $1', [node_id]);
    const lease = await sql.query('delete from node_leases where node_id = $1', [node_id]);
    await sql.query('delete from instance_conflicts where node_id = $1', [node_id]);
    return { rows: row.rowCount ?? 0, leases: lease.rowCount ?? 0 };
  });
}
