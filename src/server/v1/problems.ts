import { STATUS_CODES } from 'node:http';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Logger } from 'pino';
import { errorText } from '../../error-text.js';
import type { Problem } from './schemas.js';

/** A request that is not answered, and why, for whoever sent it. */
export class Refused extends Error {
  constructor(
    readonly statusCode: 404 | 410 | 503,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'Refused';
  }
}

/** Whether an address belongs to the read API: everything there is answered in its form. */
export function isReadApi(url: string): boolean {
  return /^\/v1(?:[/?]|$)/.test(url);
}

/** Sends problem details as RFC 9457 has them. */
export function sendProblem(
  reply: FastifyReply,
  status: number,
  detail: string,
  errors?: Problem['errors'],
): FastifyReply {
  const title = STATUS_CODES[status] ?? 'Error';
  const problem: Problem = { type: 'about:blank', title, status, detail, ...(errors === undefined ? {} : { errors }) };
  // Already JSON: whatever went wrong, its serialisation does not.
  return reply
    .code(status)
    .header('cache-control', 'no-store')
    .type('application/problem+json')
    .serializer((text: string) => text)
    .send(JSON.stringify(problem));
}

interface Issue {
  readonly instancePath: string;
  readonly message?: string;
  readonly params?: { readonly keys?: unknown };
}

/** Everything that goes wrong below is answered with problem details. */
export function answerWithProblems(app: FastifyInstance, logger: Logger): void {
  app.addHook('onRequest', async (request, reply) => {
    if (request.method === 'GET' || request.method === 'HEAD') return;
    const detail = `${request.method} is not possible here: the read API changes nothing`;
    await sendProblem(reply.header('allow', 'GET, HEAD'), 405, detail);
  });
  app.setNotFoundHandler((request, reply) =>
    sendProblem(reply, 404, `there is nothing at ${pathOf(request.url)}; /v1/openapi.json says what there is`),
  );
  app.setErrorHandler((error, request, reply) => {
    const { statusCode: status = 500, validation } = error as { statusCode?: number; validation?: readonly Issue[] };
    if (validation !== undefined) {
      const errors = validation.flatMap(parameters);
      const detail = errors.map(({ parameter, message }) => `${parameter}: ${message}`).join('; ');
      return sendProblem(reply, 400, detail, errors);
    }
    if (status >= 500) logger.warn({ path: pathOf(request.url), reason: errorText(error) }, 'a request failed');
    if (status === 503) reply.header('retry-after', '5');
    return sendProblem(reply, status, errorText(error));
  });
}

function parameters({ instancePath, message = 'is not valid', params }: Issue): NonNullable<Problem['errors']> {
  const unknown = Array.isArray(params?.keys) ? (params.keys as readonly string[]) : [];
  if (unknown.length > 0)
    return unknown.map((parameter) => ({ parameter: cut(parameter), message: 'there is no such parameter' }));
  return [{ parameter: instancePath.replace(/^\//, ''), message }];
}

function pathOf(url: string): string {
  return cut(url.split('?')[0] ?? '');
}

function cut(text: string): string {
  return text.slice(0, 200);
}
