import type { Sql } from '../pool.js';
import { nodeRows, type ListedNode } from './listed-node.js';

/** How far changes can be read now. */
export interface ChangesEnd {
  /** The database that counts: positions in another one mean nothing here. */
  readonly origin: string;
  /** The first transaction that may still be under way: what those before it have changed can be read. */
  readonly before: string;
  /** The database's clock, seconds since 1970. */
  readonly at: number;
}

/** A place in the order of changes: after this node, among those that this transaction changed. */
export interface ChangesPlace {
  readonly transaction: string;
  readonly node_id: string;
}

export const BEFORE_ALL_CHANGES: ChangesPlace = { transaction: '0', node_id: '' };

export interface RowChange {
  readonly place: ChangesPlace;
  /** The registry row as it is now; null where there is none any more. */
  readonly node: ListedNode | null;
}

/** A database that was restored elsewhere counts its transactions anew; one that was failed over has a new timeline. */
const END = `
  select system_identifier || '-' || timeline_id as origin, pg_snapshot_xmin(pg_current_snapshot())::text as before,
    extract(epoch from now())::float8 as at
  from pg_control_system(), pg_control_checkpoint()`;

export async function readChangesEnd(sql: Sql): Promise<ChangesEnd> {
  const { rows } = await sql.query<ChangesEnd>(END);
  const [end] = rows;
  if (end === undefined) throw new Error('PostgreSQL did not answer which database it is');
  return end;
}

/**
 * Reads what has changed, in the order of the transactions, each node once: as it is now.
 *
 * @param after where the reader is
 * @param before the end, as it was asked for before
 * @param limit changes at most: fewer are all
 * @param tags SQL of a row's tags, by `tagsSql`
 */
export async function readChanges(
  sql: Sql,
  { after, before, limit, tags }: { after: ChangesPlace; before: string; limit: number; tags: string },
): Promise<RowChange[]> {
  const { rows } = await sql.query<ListedNode & { transaction: string; changed_id: string; is_there: boolean }>(
    `select c.changed_in::text as transaction, c.node_id as changed_id, r.node_id is not null as is_there,
       ${nodeRows(tags)}
     from (
       select changed_in, node_id from node_changes
       where (changed_in, node_id) > ($1::xid8, $2) and changed_in < $3::xid8
       order by changed_in, node_id limit $4
     ) c
     left join node_registrations r on r.node_id = c.node_id
     order by c.changed_in, c.node_id`,
    [after.transaction, after.node_id, before, limit],
  );
  return rows.map(({ transaction, changed_id, is_there, ...node }) => ({
    place: { transaction, node_id: changed_id },
    node: is_there ? node : null,
  }));
}
