import { createHash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';

/** Every answer has a tag of its content, and who has it already is sent nothing again (RFC 9110, 13.1.2). */
export function answerWithTags(app: FastifyInstance): void {
  app.addHook('onSend', async (request, reply, payload) => {
    if (reply.statusCode !== 200 || typeof payload !== 'string') return payload;
    const tag = `"${createHash('sha256').update(payload).digest('base64url').slice(0, 27)}"`;
    reply.header('etag', tag).header('cache-control', 'no-cache');
    if (!names(request.headers['if-none-match'], tag)) return payload;
    reply.code(304);
    return null;
  });
}

/** A proxy that compresses makes a tag weak; a reader may name several. */
function names(header: string | undefined, tag: string): boolean {
  const tags = (header ?? '').split(',').map((one) => one.trim().replace(/^W\//, ''));
  return tags.includes(tag) || tags.includes('*');
}
