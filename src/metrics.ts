import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { splitHostPort } from './stack/state/servers.js';

export interface MetricsServer {
  /** host:port, with the port that was really taken. */
  readonly address: string;
  close(): Promise<void>;
}

export interface MetricsOptions {
  /** host:port */
  readonly address: string;
  /** The variable of the environment that the address comes from. */
  readonly variable: string;
  /** Metrics as text, in the order in which they are shown. */
  readonly read: readonly (() => Promise<string>)[];
  /** Why the process does not do its work now; null while it does. */
  readonly notReady: () => Promise<string | null> | string | null;
}

interface Page {
  readonly status: number;
  readonly text: string;
}

/**
 * Answers `GET /metrics` as Prometheus reads it, and the probes that Kubernetes knows: `/livez` and `/readyz`. That a
 * process answers is all that makes it live: no restart brings back a server that is away.
 *
 * @throws Error that names the variable when the address cannot be listened at
 */
export async function serveMetrics({ address, variable, read, notReady }: MetricsOptions): Promise<MetricsServer> {
  const { host, port } = splitHostPort(address);
  const paths: Readonly<Record<string, () => Promise<Page>>> = {
    '/metrics': async () => ({ status: 200, text: (await Promise.all(read.map((one) => one()))).join('\n') }),
    '/livez': () => Promise.resolve({ status: 200, text: 'live\n' }),
    '/readyz': async () => {
      const reason = await notReady();
      return reason === null ? { status: 200, text: 'ready\n' } : { status: 503, text: `not ready: ${reason}\n` };
    },
  };
  const server = createServer((request, response) => {
    const answer = paths[request.url?.split('?')[0] ?? ''];
    if (answer === undefined) {
      response.writeHead(404).end('metrics are at /metrics, probes at /livez and /readyz\n');
      return;
    }
    answer().then(
      ({ status, text }) => response.writeHead(status, { 'content-type': Registry.PROMETHEUS_CONTENT_TYPE }).end(text),
      (error: unknown) => response.writeHead(500).end(`${String(error)}\n`),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(
        new Error(`metrics cannot be served at ${address}: ${error.message}; choose another address in ${variable}`, {
          cause: error,
        }),
      ),
    );
    server.listen(port, host, resolve);
  });
  return {
    address: `${host}:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** What Prometheus' client libraries show of their process: processor time, memory, event loop, garbage collection. */
export function processMetrics(): () => Promise<string> {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return () => registry.metrics();
}
