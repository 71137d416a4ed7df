import pg from 'pg';
import type { Template } from '../../contracts/compiled.js';
import type { RegistryRow } from './read-registry-row.js';

/** What stands beside a row, or is about its deadlines: a lease is read by itself. */
type Deadlines = 'ack_deadline' | 'liveness_deadline' | 'lease_deadline' | 'last_heartbeat_at' | 'expired_at';

/** A registry row as other programs read it. */
export interface ListedNode extends Omit<RegistryRow, Deadlines> {
  readonly tags: readonly string[];
}

/** What a tag may be made of. */
const TEXTS = ['node_id', 'node_type', 'node_version', 'correlation_id'];

/**
 * SQL of a row's tags in Consul, from the contract's template for them. A tag that is made of something that the row
 * does not hold is left out.
 *
 * @param template for example ['node_type:{node_type}', '{capabilities}']
 */
export function tagsSql(template: readonly Template[]): string {
  const parts = template.flatMap((tag) => {
    if (tag === '{capabilities}') return 'r.capabilities';
    const texts = typeof tag === 'string' ? textsOf(tag) : null;
    return texts === null ? [] : `array[${texts.join(' || ')}]`;
  });
  return parts.length === 0 ? `'{}'::text[]` : `(${parts.join(' || ')})`;
}

/** The pieces of a tag as SQL; null where one is not in the row. */
function textsOf(tag: string): readonly string[] | null {
  const pieces = tag.split(/\{([a-z_]+)\}/).map((piece, index) => {
    if (index % 2 === 0) return `${pg.escapeLiteral(piece)}::text`;
    return TEXTS.includes(piece) ? `r.${piece}` : null;
  });
  return pieces.every((piece) => piece !== null) ? pieces : null;
}

/** The columns of a listed node, of the table `r`. */
export function nodeRows(tags: string): string {
  return `r.node_id, r.node_type, r.node_version, r.state, r.reducer_status, r.attempt, r.reason, r.state_since,
    r.active_at, r.ended_at, r.capabilities, ${tags} as tags, r.endpoints, r.correlation_id, r.epoch,
    r.introspected_at, r.contract_version, r.created_at, r.updated_at`;
}
