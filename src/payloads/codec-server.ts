import type { AddressInfo } from 'node:net';
import type { Payload, PayloadCodec } from '@temporalio/common';
import { fastify, type FastifyInstance } from 'fastify';
import { z } from 'zod';
import { errorText } from '../error-text.js';

export interface CodecServerOptions {
  readonly codec: PayloadCodec;
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Where Temporal's web UI is, as its browsers name it; no other page may ask. */
  readonly origins: readonly string[];
}

export interface CodecServer {
  readonly url: string;
  close(): Promise<void>;
}

/** Protobuf's JSON: bytes are base64. */
const Bytes = z.base64().transform((text): Uint8Array => Buffer.from(text, 'base64'));
const Body = z.object({
  payloads: z.array(z.object({ metadata: z.record(z.string(), Bytes).default({}), data: Bytes.optional() })),
});

/** Pages of a history come in one request. */
const BODY_LIMIT = 32 * 1024 * 1024;

/**
 * Decodes and encodes payloads for Temporal's web UI and its CLI
 * (https://docs.temporal.io/production-deployment/data-encryption).
 *
 * Whoever may ask it may read everything: it does not ask who they are.
 *
 * @throws Error when the address cannot be taken
 */
export async function serveCodec({ codec, host, port, origins }: CodecServerOptions): Promise<CodecServer> {
  const app = fastify({ forceCloseConnections: true, bodyLimit: BODY_LIMIT });
  allowOrigins(app, origins);
  app.setErrorHandler((error, _request, reply) => reply.code(400).send({ message: errorText(error) }));
  app.post('/decode', ({ body }) => answer(body, (payloads) => codec.decode(payloads)));
  app.post('/encode', ({ body }) => answer(body, (payloads) => codec.encode(payloads)));
  try {
    await app.listen({ host, port });
  } catch (error) {
    const words = `the codec server cannot listen at ${host}:${port}: ${errorText(error)}; choose another with --port`;
    throw new Error(words, { cause: error });
  }
  const { port: taken } = app.server.address() as AddressInfo;
  return { url: `http://${host.includes(':') ? `[${host}]` : host}:${taken}`, close: () => app.close() };
}

async function answer(body: unknown, work: (payloads: Payload[]) => Promise<Payload[]>): Promise<unknown> {
  const { payloads } = Body.parse(body);
  const worked = await work(payloads.map(({ metadata, data }) => ({ metadata, ...(data && { data }) })));
  return { payloads: worked.map(asJson) };
}

function asJson({ metadata, data }: Payload): unknown {
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
  return {
    metadata: Object.fromEntries(Object.entries(metadata ?? {}).map(([name, bytes]) => [name, base64(bytes)])),
    ...(data && { data: base64(data) }),
  };
}

/** A browser names the page that asks; programs name none. */
function allowOrigins(app: FastifyInstance, origins: readonly string[]): void {
  app.addHook('onRequest', async ({ headers: { origin } }, reply) => {
    if (origin === undefined) return;
    if (!origins.includes(origin)) {
      const message = `pages of ${origin.slice(0, 200)} may not ask; if they should, start it with --origin`;
      return reply.code(403).send({ message });
    }
    reply.headers({
      'access-control-allow-origin': origin,
      'access-control-allow-headers': 'content-type, x-namespace, authorization',
      vary: 'origin',
    });
  });
  app.options('/*', (_request, reply) => reply.code(204).send());
}
