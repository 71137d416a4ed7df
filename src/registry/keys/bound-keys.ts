import type { NodeKey } from '../../protocol/node-key.js';
import type { Sql } from '../pool.js';

/** How a key came to speak for a node. */
export type BoundBy = 'first message' | 'handover' | 'directory';

/** The key that speaks for a node. */
export interface BoundKey {
  readonly thumbprint: string;
  /** ISO 8601. */
  readonly bound_at: string;
  readonly bound_by: BoundBy;
  /** What was wrong with the newest message in this node's name that this key has not signed; null: there was none. */
  readonly conflict: string | null;
  readonly conflict_at: string | null;
}

/** @returns null: no key speaks for this node */
export async function readBoundKey(sql: Sql, node_id: string): Promise<BoundKey | null> {
  const { rows } = await sql.query<BoundKey>(
    'select thumbprint, bound_at, bound_by, conflict, conflict_at from node_keys where node_id = $1',
    [node_id],
  );
  return rows[0] ?? null;
}

/**
 * Binds a key to a node.
 *
 * @param before thumbprint of the key that it comes after; null: none is bound
 * @returns false: another key was bound meanwhile, and stays
 */
export async function bindKey(
  sql: Sql,
  node_id: string,
  { thumbprint, x }: NodeKey,
  before: string | null,
  by: BoundBy,
): Promise<boolean> {
  const bound =
    before === null
      ? await sql.query(
          `insert into node_keys (node_id, thumbprint, public_key, bound_by) values ($1, $2, $3, $4)
           on conflict (node_id) do nothing`,
          [node_id, thumbprint, x, by],
        )
      : await sql.query(
          `update node_keys set thumbprint = $2, public_key = $3, bound_by = $4, bound_at = now(),
             conflict = null, conflict_at = null
           where node_id = $1 and thumbprint = $5`,
          [node_id, thumbprint, x, by, before],
        );
  return bound.rowCount === 1;
}

/**
 * Frees a node's id: the next key that introduces itself speaks for it. The numbers of the old key stay, so that no old
 * message of it does.
 *
 * @returns the thumbprint of the key that spoke for it; null: there was none
 */
export async function releaseKey(sql: Sql, node_id: string): Promise<string | null> {
  const { rows } = await sql.query<{ thumbprint: string }>(
    'delete from node_keys where node_id = $1 returning thumbprint',
    [node_id],
  );
  return rows[0]?.thumbprint ?? null;
}

/** The nodes in whose name something came within so long that their key has not signed. */
export async function nodesWithKeyConflict(sql: Sql, within_seconds: number): Promise<readonly string[]> {
  const { rows } = await sql.query<{ node_id: string }>(
    'select node_id from node_keys where conflict_at > now() - make_interval(secs => $1)',
    [within_seconds],
  );
  return rows.map(({ node_id }) => node_id);
}

/** A message in the name of a node that its key has not signed. */
export interface KeyConflict {
  readonly node_id: string;
  /** What was wrong with it, in a sentence. */
  readonly conflict: string;
}

/** Writes down conflicts: of nodes without a key there is none. */
export async function noteConflicts(sql: Sql, conflicts: readonly KeyConflict[]): Promise<void> {
  await sql.query(
    `update node_keys set conflict = noted.conflict, conflict_at = now()
     from unnest($1::text[], $2::text[]) as noted(node_id, conflict) where node_keys.node_id = noted.node_id`,
    [conflicts.map(({ node_id }) => node_id), conflicts.map(({ conflict }) => conflict)],
  );
}
