import type { ListedNode } from '../../registry/rows/listed-node.js';
import type { NodeWithLease } from './schemas.js';
import type { NodeFilter } from '../../registry/rows/page-nodes.js';
import type { ChangesEnd, ChangesPlace, RowChange } from '../../registry/rows/read-changes.js';

/** What the read API reads from: the registry alone, so it answers as long as PostgreSQL does. */
export interface RegistryReader {
  /** @param after the last node of the page before; '' for the first page */
  page(filter: NodeFilter, after: string, limit: number): Promise<readonly ListedNode[]>;
  /** @returns null when there is no such node */
  node(id: string): Promise<{ readonly node: ListedNode; readonly lease: NodeWithLease['lease'] } | null>;
  /** How far changes can be read now. */
  changesEnd(): Promise<ChangesEnd>;
  /** Fewer changes than the limit are all there are before the end. */
  changes(after: ChangesPlace, before: string, limit: number): Promise<readonly RowChange[]>;
}
