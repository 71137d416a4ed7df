import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';
import { splitHostPort } from './stack/state/servers.js';

export interface MetricsServer {
  /** host:port, with the port that was really taken. */
  readonly address: string;
  close(): Promise<void>;
}

/**
 * Answers `GET /metrics` with what a registry holds, as Prometheus reads it.
 *
 * @param address host:port
 */
export async function serveMetrics(address: string, registry: Registry): Promise<MetricsServer> {
  const { host, port } = splitHostPort(address);
  const server = createServer((request, response) => {
    if (request.url?.split('?')[0] !== '/metrics') {
      response.writeHead(404).end('metrics are at /metrics\n');
      return;
    }
    registry.metrics().then(
      (text) => response.writeHead(200, { 'content-type': registry.contentType }).end(text),
      (error: unknown) => response.writeHead(500).end(`${String(error)}\n`),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(
        new Error(
          `metrics cannot be served at ${address}: ${error.message}; choose another address in ` +
            'REGISTRAR_BRIDGE_METRICS',
          { cause: error },
        ),
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
