import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Logger } from 'pino';
import { z } from 'zod';
import { errorText } from '../../error-text.js';
import { nodeId } from '../../protocol/fields.js';
import { NODE_ACTIONS, type Actions, type Wish } from '../source.js';

const LONGEST_WHO = 100;

/** A person's wish, as the page sends it. */
const wish = z.strictObject({
  who: z.string().trim().min(1, 'who acts is missing').max(LONGEST_WHO),
  why: z.string().trim().min(3, 'why is missing: three characters or more').max(500),
});
const release = wish.extend({
  nodes: z.int('how many nodes may expire is missing').nonnegative(),
});

export interface ActionRoutesOptions {
  readonly logger: Logger;
  /** Header in which a proxy names the person; what the page says is not believed then. */
  readonly userHeader: string | null;
}

/** Who a proxy says that this is; null where no proxy is set up, or it says nothing. */
export function namedByProxy(headers: IncomingHttpHeaders, userHeader: string | null): string | null {
  const value = userHeader === null ? undefined : headers[userHeader.toLowerCase()];
  const name = (Array.isArray(value) ? value[0] : value)?.trim().slice(0, LONGEST_WHO);
  return name === undefined || name === '' ? null : name;
}

/** What people may do from the page: each with who and why, written into the log beside what became of it. */
export function actionRoutes(app: FastifyInstance, actions: Actions, options: ActionRoutesOptions): void {
  const answer = answering(options);
  for (const name of NODE_ACTIONS)
    app.post<{ Params: { id: string } }>(`/api/nodes/:id/${name}`, (request, reply) => {
      const { data: id } = nodeId.safeParse(request.params.id);
      if (id === undefined) return reply.code(400).send({ error: 'this is not the id of a node' });
      return answer(request, reply, wish, { action: name, node_id: id }, (asked) => actions[name](id, asked));
    });
  app.post('/api/self-preservation/release', (request, reply) =>
    answer(request, reply, release, { action: 'release self-preservation' }, ({ nodes, ...asked }) =>
      actions.release(asked, nodes),
    ),
  );
  app.post<{ Params: { id: string } }>('/api/dead-letters/:id/replay', (request, reply) => {
    const { id } = request.params;
    if (!/^\d{1,9}-\d{1,19}$/.test(id)) return reply.code(400).send({ error: 'this is not the id of a dead letter' });
    return answer(request, reply, wish, { action: 'replay', letter: id }, (asked) => actions.replay(id, asked));
  });
}

interface Asking {
  readonly body: unknown;
  readonly headers: IncomingHttpHeaders;
}

function answering({ logger, userHeader }: ActionRoutesOptions) {
  return async <T extends Wish>(
    { body, headers }: Asking,
    reply: FastifyReply,
    schema: z.ZodType<T>,
    what: Readonly<Record<string, string>>,
    act: (asked: T) => Promise<string>,
  ): Promise<unknown> => {
    const who = namedByProxy(headers, userHeader);
    if (userHeader !== null && who === null)
      return reply.code(403).send({ error: `the proxy has not said who you are: the header ${userHeader} is missing` });
    const named = who === null || typeof body !== 'object' ? body : { ...body, who };
    const parsed = schema.safeParse(named);
    if (!parsed.success)
      return reply.code(400).send({ error: parsed.error.issues.map(({ message }) => message).join('; ') });
    const facts: Readonly<Record<string, unknown>> = { ...what, ...parsed.data };
    try {
      const outcome = await act(parsed.data);
      logger.info({ ...facts, outcome }, 'a person acted');
      return { outcome };
    } catch (error) {
      logger.warn({ ...facts, reason: errorText(error) }, 'an action of a person was refused');
      return reply.code(409).send({ error: errorText(error) });
    }
  };
}
