import pg from 'pg';
import type { Template } from '../../contracts/compiled.js';

/** A registry row as other programs read it. */
export interface ListedNode {
  readonly node_id: string;
  readonly node_type: string;
  readonly node_version: string;
  readonly state: string;
  readonly reducer_status: string;
  readonly attempt: number;
  readonly reason: string | null;
  readonly state_since: string;
  readonly active_at: string | null;
  readonly ended_at: string | null;
  readonly capabilities: readonly string[];
  readonly tags: readonly string[];
  readonly endpoints: Readonly<Record<string, string>>;
  readonly correlation_id: string;
  readonly epoch: number | null;
  readonly introspected_at: string;
  readonly contract_version: string;
  readonly created_at: string;
  readonly updated_at: string;
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
