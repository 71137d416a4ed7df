import type { AddressInfo } from 'node:net';
import helmet from '@fastify/helmet';
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { isUuid, nodeId } from '../../protocol/fields.js';
import type { Activity } from '../api/activity.js';
import type { ContractView } from '../api/contract.js';
import { LiveFleet, type LiveFleetOptions } from '../fleet/live-fleet.js';
import type { Actions, Sources } from '../source.js';
import { errorText } from '../../error-text.js';
import { isReadApi, sendProblem } from '../v1/problems.js';
import { readApi, type ReadApiOptions } from '../v1/read-api.js';
import { actionRoutes, namedByProxy } from './actions.js';
import { loadAssets, type Asset } from './assets.js';
import { refuseAction, refuseHost } from './guard.js';
import { Streams } from './stream.js';

export interface FleetServerOptions {
  readonly sources: Sources;
  readonly contract: ContractView;
  readonly env: string;
  readonly namespace: string;
  readonly logger: Logger;
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Further names under which the server answers. */
  readonly hostNames?: readonly string[];
  /** null: nothing can be done from the page. */
  readonly actions: Actions | null;
  /** Header in which a proxy names the person; null or nothing: people say it themselves. */
  readonly userHeader?: string | null;
  readonly tryCommand: string;
  readonly fleet: LiveFleetOptions;
  /** What other programs read. */
  readonly readApi: Omit<ReadApiOptions, 'logger'>;
  readonly assets?: ReadonlyMap<string, Asset>;
}

export interface FleetServer {
  /** Where the page is, for a browser. */
  readonly url: string;
  close(): Promise<void>;
}

const CONTENT_SECURITY = {
  defaultSrc: ["'none'"],
  scriptSrc: ["'self'"],
  styleSrc: ["'self'"],
  fontSrc: ["'self'"],
  imgSrc: ["'self'", 'data:'],
  connectSrc: ["'self'"],
  baseUri: ["'none'"],
  formAction: ["'none'"],
  frameAncestors: ["'none'"],
};

/**
 * Serves the fleet page and what it reads.
 *
 * @throws PageNotBuilt
 * @throws Error when the address cannot be taken
 */
export async function serveFleet(options: FleetServerOptions): Promise<FleetServer> {
  const { sources, contract, host, port, logger, actions, userHeader = null } = options;
  const assets = options.assets ?? loadAssets();
  const fleet = new LiveFleet(sources, contract, options.fleet);
  const streams = new Streams(fleet, {
    env: options.env,
    namespace: options.namespace,
    contract,
    actions_allowed: actions !== null,
    try_command: options.tryCommand,
  });
  const app = fastify({ forceCloseConnections: true, bodyLimit: 16_384 });
  await app.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives: CONTENT_SECURITY },
    strictTransportSecurity: false,
    referrerPolicy: { policy: 'no-referrer' },
  });
  const hosts = hostNames(options);
  app.addHook('onRequest', async (request, reply) => {
    const isRead = isReadApi(request.url);
    const isAction = request.method === 'POST' && !isRead;
    const refusal = refuseHost(request.headers, hosts) ?? (isAction ? refuseAction(request.headers) : null);
    if (refusal === null) return;
    const { status, reason } = refusal;
    await (isRead ? sendProblem(reply, status, reason) : reply.code(status).send({ error: reason }));
  });
  app.setErrorHandler((error, request, reply) => {
    const status = statusOf(error);
    if (status >= 500) logger.error({ path: request.url.slice(0, 200), reason: errorText(error) }, 'a request failed');
    return reply.code(status).send({ error: errorText(error) });
  });
  readRoutes(app, options, fleet, streams);
  await app.register(readApi, { ...options.readApi, logger, prefix: '/v1' });
  if (actions !== null) actionRoutes(app, actions, { logger, userHeader });
  pageRoutes(app, assets);
  fleet.start();
  try {
    await app.listen({ host, port });
  } catch (error) {
    await fleet.close();
    throw new Error(
      `the fleet page cannot be served at ${host}:${port}: ${errorText(error)}; choose another with --port`,
      {
        cause: error,
      },
    );
  }
  const { port: taken } = app.server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host === '0.0.0.0' ? '127.0.0.1' : host}:${taken}/`,
    async close() {
      streams.close();
      await app.close();
      await fleet.close();
      await sources.close();
    },
  };
}

function readRoutes(app: FastifyInstance, options: FleetServerOptions, fleet: LiveFleet, streams: Streams): void {
  const { sources, userHeader = null } = options;
  app.get<{ Querystring: { cursor?: string } }>('/api/stream', (request, reply) => {
    const cursor = request.headers['last-event-id'] ?? request.query.cursor;
    reply.hijack();
    streams.serve(reply.raw, headersOf(reply), {
      cursor: typeof cursor === 'string' && cursor !== '' ? cursor : undefined,
      known_as: namedByProxy(request.headers, userHeader),
    });
  });
  app.get<{ Querystring: { ids?: string } }>('/api/rows', async (request, reply) => {
    const ids = (request.query.ids ?? '').split(',').slice(0, 120);
    const nodes = ids.flatMap((id) => fleet.get(id) ?? []);
    return reply.header('cache-control', 'no-store').send(await sources.rowDetails(nodes));
  });
  app.get<{ Params: { id: string } }>('/api/nodes/:id', async (request, reply) => {
    const id = idOf(request.params.id);
    const view = id === null ? null : await sources.node(id, fleet.get(id) ?? null);
    reply.header('cache-control', 'no-store');
    if (view === null)
      return reply.code(404).send({ error: `no node by the id ${request.params.id.slice(0, 128)} is known` });
    return view;
  });
  app.get<{ Params: { id: string; run: string } }>('/api/nodes/:id/runs/:run', async (request, reply) => {
    const { run } = request.params;
    const id = idOf(request.params.id);
    const view = id === null || !isUuid(run) ? null : await sources.earlierRun(id, run);
    reply.header('cache-control', 'no-store');
    if (view === null) return reply.code(404).send({ error: 'Temporal has no such run of this node, or not any more' });
    return view;
  });
  app.get('/api/activity', async (_request, reply) => {
    const activity: Activity = await sources.activity();
    return reply.header('cache-control', 'no-store').send(activity);
  });
  app.get('/api/health', (_request, reply) => reply.header('cache-control', 'no-store').send(sources.health()));
}

function pageRoutes(app: FastifyInstance, assets: ReadonlyMap<string, Asset>): void {
  const page = async (request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
    const path = request.url.split('?')[0] ?? '/';
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return reply.code(404).send({ error: `there is nothing at ${path.slice(0, 200)} that could be done` });
    if (path.startsWith('/api/')) return reply.code(404).send({ error: `there is nothing at ${path.slice(0, 200)}` });
    const found = assets.get(path);
    if (found === undefined && path.startsWith('/assets/')) return reply.code(404).send({ error: 'no such file' });
    // Every other address is a screen of the page, which reads it.
    const asset = found ?? assets.get('/index.html');
    return reply
      .code(200)
      .type(asset?.type ?? 'text/plain')
      .header('cache-control', asset?.immutable === true ? 'public, max-age=31536000, immutable' : 'no-cache')
      .send(asset?.body ?? '');
  };
  app.setNotFoundHandler(page);
}

function idOf(text: string): string | null {
  return nodeId.safeParse(text).data ?? null;
}

function hostNames({ host, hostNames: more = [] }: FleetServerOptions): ReadonlySet<string> {
  return new Set(['localhost', '127.0.0.1', '[::1]', host, `[${host}]`, ...more].map((name) => name.toLowerCase()));
}

function statusOf(error: unknown): number {
  return error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number'
    ? error.statusCode
    : 500;
}

/** The headers that were set on a reply so far, for who writes it himself. */
function headersOf(reply: FastifyReply): Record<string, string> {
  return Object.fromEntries(
    Object.entries(reply.getHeaders()).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
  );
}
