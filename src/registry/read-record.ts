import type { Sql } from './pool.js';

/** The record's last word on a node: what a fresh run must know before it judges a message. */
export interface RecordRow {
  readonly attempt: number;
  readonly correlation_id: string;
  readonly epoch: number | null;
  readonly introspected_at: string;
  readonly state: string;
  readonly reason: string | null;
}

export async function readRecord(sql: Sql, nodeId: string): Promise<RecordRow | null> {
  const { rows } = await sql.query<RecordRow>(
    'select attempt, correlation_id, epoch, introspected_at, state, reason from node_registrations where node_id = $1',
    [nodeId],
  );
  return rows[0] ?? null;
}
