import type { Pool } from 'pg';
import type { CompiledContract, Template } from '../../contracts/compiled.js';
import { nodeRows, tagsSql, type ListedNode } from '../../registry/rows/listed-node.js';
import { pageNodes } from '../../registry/rows/page-nodes.js';
import { readChanges, readChangesEnd } from '../../registry/rows/read-changes.js';
import type { RegistryReader } from '../v1/registry-reader.js';

/** Reads the registry in PostgreSQL, with the tags that the contract gives to nodes in Consul. */
export function registryReader(pool: Pool, contract: Pick<CompiledContract, 'effects' | 'intents'>): RegistryReader {
  const tags = tagsSql(consulTags(contract));
  return {
    page: (filter, after, limit) => pageNodes(pool, filter, { after, limit, tags }),
    changesEnd: () => readChangesEnd(pool),
    changes: (after, before, limit) => readChanges(pool, { after, before, limit, tags }),
    async node(id) {
      const { rows } = await pool.query<ListedNode & { deadline: string | null; last_heartbeat_at: string | null }>(
        `select ${nodeRows(tags)}, l.deadline, l.last_heartbeat_at
         from node_registrations r
         left join node_leases l on l.node_id = r.node_id and l.attempt = r.attempt and l.expired_at is null
         where r.node_id = $1`,
        [id],
      );
      const [row] = rows;
      if (row === undefined) return null;
      const { deadline, last_heartbeat_at, ...node } = row;
      return { node, lease: deadline === null ? null : { deadline, last_heartbeat_at } };
    },
  };
}

/** The template of the tags with which a node is registered; none where the contract registers nobody in Consul. */
function consulTags({ effects, intents }: Pick<CompiledContract, 'effects' | 'intents'>): readonly Template[] {
  const register = Object.values(intents).find(
    ({ payload }) => effects[payload.intent_type]?.activity === 'consul.register',
  );
  const tags = register?.payload['tags'];
  return Array.isArray(tags) ? (tags as readonly Template[]) : [];
}
