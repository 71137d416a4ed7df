import swagger from '@fastify/swagger';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Logger } from 'pino';
import { z } from 'zod';
import { errorText } from '../../error-text.js';
import { nodeId } from '../../protocol/fields.js';
import type { ListedNode } from '../../registry/rows/listed-node.js';
import type { NodeFilter } from '../../registry/rows/page-nodes.js';
import type { RowChange } from '../../registry/rows/read-changes.js';
import { ChangeStreams, UNUSABLE } from './change-streams.js';
import { changesCursor, cursorAt, firstCursor, pageCursor, readChangesCursor, readPageCursor } from './cursors.js';
import { CHANGES_IN_WORDS, DOCUMENT } from './document.js';
import { answerWithTags } from './etag.js';
import {
  changesHeaders,
  changesQuery,
  conditionalHeaders,
  discoverQuery,
  nodePath,
  nodesQuery,
  noParameters,
} from './parameters.js';
import { answerWithProblems, Refused } from './problems.js';
import type { RegistryReader } from './registry-reader.js';
import { ChangePage, NodePage, NodeWithLease, Problem, type Change, type Node } from './schemas.js';

export interface ReadApiOptions {
  readonly registry: RegistryReader;
  /** The contract's states. */
  readonly states: Readonly<Record<string, { readonly discoverable: boolean }>>;
  /** How long the registry knows that a row was deleted: an older cursor cannot be used. */
  readonly kept_seconds: number;
  readonly logger: Logger;
  /** From look to look for changes, milliseconds. Default 1000. */
  readonly everyMs?: number;
}

/** The read API for other programs, to be registered below /v1. Nothing of it changes anything. */
export async function readApi(app: FastifyInstance, options: ReadApiOptions): Promise<void> {
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  await app.register(swagger, DOCUMENT);
  answerWithProblems(app, options.logger);
  answerWithTags(app);
  nodeRoutes(app, options);
  changeRoutes(app, options);
  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger());
}

const json = (description: string, schema: z.ZodType) => ({
  description,
  content: { 'application/json': { schema } },
});
const problem = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: Problem } },
});
const REFUSALS = {
  400: problem('A parameter is not valid; `errors` says which, and how it should be.'),
  503: problem('The registry does not answer: ask again.'),
};
const GONE = { 410: problem('The cursor cannot be used: begin again without one.') };
const UNCHANGED = { 304: z.null().describe('What If-None-Match names is what there is.') };

function nodeRoutes(app: FastifyInstance, { registry, states }: ReadApiOptions): void {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const discoverable = Object.keys(states).filter((name) => states[name]?.discoverable === true);
  const asNode = nodesOf(states);
  const page = async (filter: NodeFilter, limit: number, cursor: string | undefined): Promise<NodePage> => {
    const after = cursor === undefined ? '' : readPageCursor(cursor);
    if (after === null) throw new Refused(410, UNUSABLE);
    const rows = await asked(registry.page(filter, after, limit + 1));
    const last = rows.length > limit ? rows[limit - 1] : undefined;
    return {
      nodes: rows.slice(0, limit).map(asNode),
      next_cursor: last === undefined ? null : pageCursor(last.node_id),
    };
  };
  const response = { 200: json('A page of nodes.', NodePage), ...UNCHANGED, ...REFUSALS, ...GONE };
  const nodes = {
    tags: ['nodes'],
    summary: 'List nodes',
    operationId: 'listNodes',
    headers: conditionalHeaders,
    response,
  };
  routes.get('/nodes', { schema: { ...nodes, querystring: nodesQuery(Object.keys(states)) } }, ({ query }) => {
    const { type, state, capability, tag, ended, limit, cursor } = query;
    const filter = {
      node_type: type,
      states: state === undefined ? undefined : [state],
      capabilities: capability,
      tags: tag,
    };
    return page({ ...filter, ended: ended === undefined ? undefined : ended === 'true' }, limit, cursor);
  });
  const discover = { ...nodes, summary: 'Find nodes that can be used now', operationId: 'discoverNodes' };
  routes.get('/discover', { schema: { ...discover, querystring: discoverQuery } }, ({ query }) => {
    const { type, capability, tag, limit, cursor } = query;
    const filter = { node_type: type, states: discoverable, capabilities: capability, tags: tag, ended: false };
    return page(filter, limit, cursor);
  });
  const one = {
    tags: ['nodes'],
    summary: 'Get a node and its lease',
    operationId: 'getNode',
    params: nodePath,
    headers: conditionalHeaders,
    querystring: noParameters,
    response: {
      200: json('The node.', NodeWithLease),
      ...UNCHANGED,
      ...REFUSALS,
      404: problem('The registry has no such node.'),
    },
  };
  routes.get('/nodes/:node_id', { schema: one }, async ({ params }) => {
    const id = nodeId.parse(params.node_id);
    const found = await asked(registry.node(id));
    if (found === null) throw new Refused(404, `the registry has no node ${id}`);
    return { ...asNode(found.node), lease: found.lease };
  });
}

function changeRoutes(app: FastifyInstance, options: ReadApiOptions): void {
  const { registry, states, kept_seconds, logger, everyMs = 1_000 } = options;
  const asChange = changesOf(states);
  const streams = new ChangeStreams({ registry, kept_seconds, asChange, logger, everyMs });
  app.addHook('preClose', () => streams.close());
  const page = async (text: string | undefined, limit: number): Promise<ChangePage> => {
    const end = await asked(registry.changesEnd());
    const from = text === undefined ? firstCursor(end) : readChangesCursor(text, end, kept_seconds);
    if (from === null) throw new Refused(410, UNUSABLE);
    const found = await asked(registry.changes(from, end.before, limit));
    const last = found.length < limit ? undefined : found.at(-1);
    return {
      changes: found.map(asChange),
      cursor: changesCursor(last === undefined ? cursorAt(end) : { ...from, ...last.place }),
      more: last !== undefined,
    };
  };
  const schema = {
    tags: ['changes'],
    summary: 'Follow changes, from everything there is or from a cursor',
    description: CHANGES_IN_WORDS,
    operationId: 'followChanges',
    querystring: changesQuery,
    headers: changesHeaders,
    response: {
      200: {
        description: 'Changes: an event stream, or a page for who accepts only JSON.',
        content: { 'application/json': { schema: ChangePage }, 'text/event-stream': { schema: z.string() } },
      },
      ...REFUSALS,
      ...GONE,
    },
  };
  app
    .withTypeProvider<ZodTypeProvider>()
    .get('/changes', { schema, exposeHeadRoute: false }, async (request, reply) => {
      const { limit, cursor = request.headers['last-event-id'] } = request.query;
      const { accept = '' } = request.headers;
      if (accept.includes('application/json') && !accept.includes('text/event-stream')) return page(cursor, limit);
      reply.hijack();
      streams.serve(reply.raw, headersOf(reply), cursor);
      return reply;
    });
}

type States = ReadApiOptions['states'];

function nodesOf(states: States): (row: ListedNode) => Node {
  return ({ capabilities, tags, endpoints, ...row }) => ({
    ...row,
    capabilities: [...capabilities],
    tags: [...tags],
    endpoints: { ...endpoints },
    discoverable: row.ended_at === null && states[row.state]?.discoverable === true,
  });
}

function changesOf(states: States): (change: RowChange) => Change {
  const asNode = nodesOf(states);
  return ({ place, node }) =>
    node === null ? { type: 'removed', node_id: place.node_id } : { type: 'node', node: asNode(node) };
}

/** Whatever the registry throws, its reader can only wait: every question is one that it can answer. */
async function asked<T>(answer: Promise<T>): Promise<T> {
  return answer.catch((error: unknown) => {
    throw new Refused(503, `the registry does not answer: ${errorText(error)}`, { cause: error });
  });
}

/** The headers that were set so far, for who writes the answer without fastify. */
function headersOf(reply: FastifyReply): Record<string, string> {
  return Object.fromEntries(
    Object.entries(reply.getHeaders()).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
  );
}
