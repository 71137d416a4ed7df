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
}

/**
 * Answers `GET /metrics` as Prometheus reads it.
 *
 * @throws Error that names the variable when the address cannot be listened at
 */
export async function serveMetrics({ address, variable, read }: MetricsOptions): Promise<MetricsServer> {
  const { host, port } = splitHostPort(address);
  const server = createServer((request, response) => {
    if (request.url?.split('?')[0] !== '/metrics') {
      response.writeHead(404).end('metrics are at /metrics\n');
      return;
    }
    Promise.all(read.map((one) => one())).then(
      (texts) => response.writeHead(200, { 'content-type': Registry.PROMETHEUS_CONTENT_TYPE }).end(texts.join('\n')),
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
