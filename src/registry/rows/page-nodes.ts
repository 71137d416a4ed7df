import type { Sql } from '../pool.js';
import { nodeRows, type ListedNode } from './listed-node.js';

/** What listed nodes have in common; an empty list or nothing: anything. */
export interface NodeFilter {
  readonly node_type?: string | undefined;
  readonly states?: readonly string[] | undefined;
  /** A node has all of them. */
  readonly capabilities?: readonly string[] | undefined;
  /** A node has all of them. */
  readonly tags?: readonly string[] | undefined;
  /** true: attempts that have ended; false: attempts that last. */
  readonly ended?: boolean | undefined;
}

export interface NodesPage {
  /** The last node of the page before; '' for the first page. */
  readonly after: string;
  readonly limit: number;
  /** SQL of a row's tags, by `tagsSql`. */
  readonly tags: string;
}

/** One page of the nodes, in the order of their ids: who comes or goes meanwhile moves nobody to another page. */
export async function pageNodes(
  sql: Sql,
  filter: NodeFilter,
  { after, limit, tags }: NodesPage,
): Promise<ListedNode[]> {
  const { rows } = await sql.query<ListedNode>(
    `select ${nodeRows(tags)}
     from node_registrations r
     where r.node_id > $1
       and ($2::text is null or r.node_type = $2)
       and ($3::text[] is null or r.state = any($3))
       and r.capabilities @> $4::text[]
       and ${tags} @> $5::text[]
       and ($6::boolean is null or (r.ended_at is not null) = $6)
     order by r.node_id limit $7`,
    [
      after,
      filter.node_type ?? null,
      filter.states ?? null,
      filter.capabilities ?? [],
      filter.tags ?? [],
      filter.ended ?? null,
      limit,
    ],
  );
  return rows;
}
