import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

/** A span as OTLP has it in JSON, as far as the tests read it. */
export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly events: readonly { readonly name: string }[];
}

interface ExportRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly { key: string; value: { stringValue?: string } }[] };
    readonly scopeSpans: readonly { readonly spans: readonly Span[] }[];
  }[];
}

/** Takes traces by OTLP over HTTP, as a collector does, and keeps them: each span with the service that made it. */
export async function startReceiver() {
  const spans: (Span & { readonly service: string })[] = [];
  const server = createServer((request, response) => {
    void json(request).then((body) => {
      for (const { resource, scopeSpans } of (body as ExportRequest).resourceSpans) {
        const service = resource.attributes.find(({ key }) => key === 'service.name')?.value.stringValue ?? '';
        spans.push(...scopeSpans.flatMap((scope) => scope.spans).map((span) => ({ ...span, service })));
      }
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The spans of a trace as lines, each under its parent, sorted by their names: some begin at once. */
export function treeOf(spans: readonly (Span & { readonly service: string })[]): string[] {
  const known = new Set(spans.map(({ spanId }) => spanId));
  const labelled = spans.map((span) => ({
    ...span,
    line: [`${span.service}: ${span.name}`, ...span.events.map(({ name }) => name)].join(', '),
  }));
  labelled.sort((a, b) => (a.line < b.line ? -1 : 1));
  const under = (parent: string | undefined, depth: number): string[] =>
    labelled
      .filter(({ parentSpanId = '' }) => (known.has(parentSpanId) ? parentSpanId : undefined) === parent)
      .flatMap(({ spanId, line }) => ['  '.repeat(depth) + line, ...under(spanId, depth + 1)]);
  return under(undefined, 0);
}
