import { nodeId } from '../../protocol/fields.js';
import { BEFORE_ALL_CHANGES, type ChangesEnd, type ChangesPlace } from '../../registry/rows/read-changes.js';

/** Where a reader of pages or of changes is, as a text that says nothing to others. */

const encode = (text: string): string => Buffer.from(text).toString('base64url');
const decode = (cursor: string): string => Buffer.from(cursor, 'base64url').toString();

/** After a node, in the order of ids. */
export function pageCursor(lastId: string): string {
  return encode(`n:${lastId}`);
}

/** @returns the last node of the page before; null where the cursor is none of ours */
export function readPageCursor(cursor: string): string | null {
  const [, id] = /^n:(.+)$/.exec(decode(cursor)) ?? [];
  return isNodeId(id) ? id : null;
}

/** Where a reader of changes is. */
export interface ChangesCursor extends ChangesPlace {
  readonly origin: string;
  /** When this reading began, by the database's clock, seconds since 1970: everything before it has been read. */
  readonly at: number;
}

/** A reader that begins now, before everything. */
export function firstCursor({ origin, at }: ChangesEnd): ChangesCursor {
  return { ...BEFORE_ALL_CHANGES, origin, at };
}

/** A reader that has read everything up to the end. */
export function cursorAt({ origin, before, at }: ChangesEnd): ChangesCursor {
  return { transaction: before, node_id: '', origin, at };
}

export function changesCursor({ origin, transaction, at, node_id }: ChangesCursor): string {
  return encode(`c:${origin}:${transaction}:${Math.floor(at)}:${node_id}`);
}

/**
 * Reads a cursor that a reader has kept.
 *
 * @param kept_seconds how long the registry knows that a row was deleted
 * @returns null where it cannot be used: none of ours, of another database, or older than what is kept
 */
export function readChangesCursor(cursor: string, end: ChangesEnd, kept_seconds: number): ChangesCursor | null {
  const found = /^c:(\d+-\d+):(\d{1,20}):(\d{1,12}):(.*)$/.exec(decode(cursor));
  if (found === null) return null;
  const [, origin = '', transaction = '', seconds, node_id = ''] = found;
  const at = Number(seconds);
  // A failover may have lost what this reader has read already.
  const isAhead = BigInt(transaction) > BigInt(end.before) || at > end.at;
  if (origin !== end.origin || isAhead || at < end.at - kept_seconds) return null;
  return node_id === '' || isNodeId(node_id) ? { origin, transaction, at, node_id } : null;
}

function isNodeId(text: string | undefined): text is string {
  return nodeId.safeParse(text).success;
}
