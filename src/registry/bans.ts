import { askedByText, type AskedBy } from '../protocol/asked-by.js';
import type { Sql } from './pool.js';

/** A node that is rejected, whatever it sends. */
export interface Ban extends AskedBy {
  readonly node_id: string;
  /** Since when, ISO 8601. */
  readonly at: string;
}

/** Bans a node. A ban that there is already gets the newer words, and keeps its time. */
export async function ban(sql: Sql, node_id: string, { who, why }: AskedBy): Promise<void> {
  await sql.query(
    `insert into node_bans (node_id, who, why) values ($1, $2, $3)
     on conflict (node_id) do update set who = excluded.who, why = excluded.why`,
    [node_id, who, why],
  );
}

/** Lifts a ban. @returns what there was; null: the node was not banned */
export async function unban(sql: Sql, node_id: string): Promise<Ban | null> {
  const { rows } = await sql.query<Ban>('delete from node_bans where node_id = $1 returning node_id, who, why, at', [
    node_id,
  ]);
  return rows[0] ?? null;
}

/** @returns null: the node is not banned */
export async function readBan(sql: Sql, node_id: string): Promise<Ban | null> {
  const { rows } = await sql.query<Ban>('select node_id, who, why, at from node_bans where node_id = $1', [node_id]);
  return rows[0] ?? null;
}

/** Every ban, oldest first. */
export async function readBans(sql: Sql): Promise<readonly Ban[]> {
  const { rows } = await sql.query<Ban>('select node_id, who, why, at from node_bans order by at, node_id');
  return rows;
}

/** Why a banned node is rejected: "banned by ada: it corrupts its queue". */
export function banText(asked: AskedBy): string {
  return `banned by ${askedByText(asked)}`;
}
