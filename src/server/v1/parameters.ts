import { z } from 'zod';
import { NODE_TYPES } from '../../protocol/fields.js';

/** What a reader may ask for. An unknown parameter is refused: a filter that is misspelt would filter nothing. */

const MOST = 1_000;

const word = z.string().regex(/^[^\u0000-\u001f\u007f-\u009f]{1,128}$/, { error: '1 to 128 printable characters' });
/** A parameter that may be repeated. */
const words = (description: string) =>
  z
    .preprocess((value) => [value].flat(), z.array(word).max(16))
    .optional()
    .describe(description);

const filters = {
  type: z.enum(NODE_TYPES).optional().describe('Nodes of this type.'),
  capability: words('Nodes with this capability; repeat it for nodes that have several.'),
  tag: words('Nodes with this tag in Consul; repeat it for nodes that have several.'),
};

/** The digits only: other ways of writing a number are no page's length. */
const limit = z
  .string()
  .regex(/^[0-9]{1,4}$/, { error: `a whole number from 1 to ${MOST}` })
  .transform(Number)
  .pipe(z.int().min(1, `a whole number from 1 to ${MOST}`).max(MOST, `a whole number from 1 to ${MOST}`))
  .default(100)
  .meta({
    type: 'integer',
    default: 100,
    minimum: 1,
    maximum: MOST,
    pattern: undefined,
    description: `At most so many, 1 to ${MOST}.`,
  });

const cursor = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,400}$/, { error: 'a cursor as it was sent' })
  .optional();

const pages = {
  limit,
  cursor: cursor.describe('The next_cursor of the page before.'),
};

/** Of one list of nodes. */
export const discoverQuery = z.strictObject({ ...filters, ...pages });

/** Of the other one; states are the contract's. */
export function nodesQuery(states: readonly string[]) {
  return z.strictObject({
    ...filters,
    state: z.enum(states).optional().describe('Nodes in this state.'),
    ended: z
      .enum(['true', 'false'])
      .optional()
      .describe('true: only attempts that have ended; false: only attempts that last.'),
    ...pages,
  });
}

export const changesQuery = z.strictObject({
  limit,
  cursor: cursor.describe('Where the reader is; without one, every node comes first.'),
});

export const changesHeaders = z.object({
  'last-event-id': cursor.describe('The same, as an EventSource sends it when it reconnects.'),
});

export const conditionalHeaders = z.object({
  'if-none-match': z.string().optional().describe('The ETag of what the reader has.'),
});

export const noParameters = z.strictObject({});

export const nodePath = z.strictObject({
  node_id: z
    .string()
    .regex(/^[A-Za-z0-9._:-]{1,128}$/, { error: '1 to 128 letters, digits or any of . _ : -' })
    .describe('A UUID in either case, or any other id.'),
});
