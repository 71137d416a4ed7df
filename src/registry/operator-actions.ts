import type { AskedBy } from '../protocol/asked-by.js';
import type { Sql } from './pool.js';

/** A person's wish. */
export interface AskedAction extends AskedBy {
  readonly action:
    | 'acknowledge'
    | 'retry'
    | 'drain'
    | 'undrain'
    | 'evict'
    | 'unban'
    | 'forget'
    | 'release key'
    | 'release self-preservation'
    | 'replay dead letters';
  /** null: it is about no node, or nobody knows about which. */
  readonly node_id: string | null;
}

/** A wish as it stands in the history. */
export interface KeptAction extends AskedAction {
  readonly id: number;
  /** ISO 8601. */
  readonly at: string;
  /** What became of it; null: it is being done, or nobody knows. */
  readonly outcome: string | null;
  /** null: nobody has refused it, and nobody knows that it is done. */
  readonly refused: boolean | null;
}

/** Writes down that something is asked for, before it is done. @returns its number */
export async function beginAction(sql: Sql, { who, why, action, node_id }: AskedAction): Promise<number> {
  const { rows } = await sql.query<{ id: number }>(
    'insert into operator_actions (who, why, action, node_id) values ($1, $2, $3, $4) returning id',
    [who, why, action, node_id],
  );
  return rows[0]?.id ?? 0;
}

/** Writes down what became of it. */
export async function endAction(
  sql: Sql,
  id: number,
  { outcome, refused }: Pick<KeptAction, 'refused'> & { readonly outcome: string },
): Promise<void> {
  await sql.query('update operator_actions set outcome = $2, refused = $3 where id = $1', [id, outcome, refused]);
}

/**
 * The newest actions, newest first.
 *
 * @param node_id only those about this node; null for all
 */
export async function readActions(sql: Sql, node_id: string | null, limit: number): Promise<readonly KeptAction[]> {
  const { rows } = await sql.query<KeptAction>(
    `select id, at, who, why, action, node_id, outcome, refused from operator_actions
     where $1::text is null or node_id = $1 order by id desc limit $2`,
    [node_id, limit],
  );
  return rows;
}
