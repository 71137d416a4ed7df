import { createServer, type Server } from 'node:net';
import { hasCode } from './types.js';

const HOST = '127.0.0.1';
const STEP = 10;
const TRIES = 40;

/** Port numbers by what they are for, e.g. `{ grpc: 7233, ui: 8233 }`. */
export type Ports = Readonly<Record<string, number>>;

/**
 * Chooses a free port for each purpose: the wanted one, else one of the next tens above it (recognisable, and below
 * the range from which the system hands out ports by itself), else any.
 *
 * All chosen ports are held until the last one is chosen, so that no two purposes get the same.
 */
export async function choosePorts(wanted: Ports): Promise<Ports> {
  const held: Server[] = [];
  const chosen: Record<string, number> = {};
  try {
    for (const [purpose, port] of Object.entries(wanted)) {
      const server = await holdFirstFree(port);
      held.push(server);
      chosen[purpose] = boundPort(server);
    }
    return chosen;
  } finally {
    await Promise.all(held.map(release));
  }
}

async function holdFirstFree(wanted: number): Promise<Server> {
  for (let i = 0; i < TRIES; i++) {
    const server = await hold(wanted + i * STEP);
    if (server !== undefined) return server;
  }
  const any = await hold(0);
  if (any === undefined) throw new Error('no free port on 127.0.0.1');
  return any;
}

function hold(port: number): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    if (port > 65_535) return resolve(undefined);
    const server = createServer();
    server.once('error', (error) => {
      if (hasCode(error, 'EADDRINUSE', 'EACCES')) resolve(undefined);
      else reject(error);
    });
    server.listen({ port, host: HOST, exclusive: true }, () => resolve(server));
  });
}

function boundPort(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening on a port');
  return address.port;
}

function release(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}

/** The port for one purpose. */
export function portOf(ports: Ports, purpose: string): number {
  const port = ports[purpose];
  if (port === undefined) throw new Error(`no port was chosen for ${purpose}`);
  return port;
}
