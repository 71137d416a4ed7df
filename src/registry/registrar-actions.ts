import type { Sql } from './pool.js';

/** Something that the registrar has done without being asked. */
export interface RegistrarAction {
  readonly id: number;
  /** ISO 8601. */
  readonly at: string;
  readonly part: 'reconciler' | 'self-preservation';
  /** null: it was about the fleet. */
  readonly node_id: string | null;
  /** What was done and why, in words. */
  readonly what: string;
}

/** Keeps what the reconciler has done; what is older than thirty days goes. */
export async function storeReconcilerActions(
  sql: Sql,
  actions: readonly Pick<RegistrarAction, 'node_id' | 'what'>[],
): Promise<void> {
  await sql.query(
    `insert into registrar_actions (part, node_id, what)
     select 'reconciler', node_id, what from unnest($1::text[], $2::text[]) as done (node_id, what)`,
    [actions.map(({ node_id }) => node_id), actions.map(({ what }) => what)],
  );
  await sql.query("delete from registrar_actions where at < now() - interval '30 days'");
}

/** The newest, newest first. */
export async function readRegistrarActions(sql: Sql, limit: number): Promise<readonly RegistrarAction[]> {
  const { rows } = await sql.query<RegistrarAction>(
    'select id, at, part, node_id, what from registrar_actions order by id desc limit $1',
    [limit],
  );
  return rows;
}
