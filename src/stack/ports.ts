import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import lockfile from 'proper-lockfile';
import { z } from 'zod';
import { identify, isAlive } from './state/processes.js';
import { hasCode } from './state/errors.js';

const HOST = '127.0.0.1';
const STEP = 10;
const TRIES = 40;

/** Port numbers by what they are for, e.g. `{ grpc: 7233, ui: 8233 }`. */
export type Ports = Readonly<Record<string, number>>;

/** Ports that no other stack of this user will choose until they are given back. */
export interface ReservedPorts {
  readonly ports: Ports;
  release(): Promise<void>;
}

/**
 * Chooses a free port for each purpose: the wanted one, else one of the next tens above it (recognisable, and below
 * the range from which the system hands out ports by itself), else any.
 *
 * Between the choice and the moment in which a server listens there are seconds. A list of what was chosen, kept for
 * all stacks of this user, covers them.
 */
export async function reservePorts(wanted: Ports, registry = userRegistry()): Promise<ReservedPorts> {
  const me = identify(process.pid);
  if (me === undefined) throw new Error('this process cannot be identified');
  const ports = await changing(registry, async (reserved) => {
    const taken = new Set(reserved.map(({ port }) => port));
    const chosen = await choosePorts(wanted, taken);
    return { result: chosen, reserved: [...reserved, ...Object.values(chosen).map((port) => ({ port, by: me }))] };
  });
  const mine = new Set(Object.values(ports));
  return {
    ports,
    release: () =>
      changing(registry, (reserved) =>
        Promise.resolve({ result: undefined, reserved: reserved.filter(({ port }) => !mine.has(port)) }),
      ),
  };
}

/** The choice alone. All chosen ports are held until the last one is chosen, so that no two purposes get the same. */
export async function choosePorts(wanted: Ports, taken: ReadonlySet<number> = new Set()): Promise<Ports> {
  const held: Server[] = [];
  const chosen: Record<string, number> = {};
  try {
    for (const [purpose, port] of Object.entries(wanted)) {
      const server = await holdFirstFree(port, taken);
      held.push(server);
      chosen[purpose] = boundPort(server);
    }
    return chosen;
  } finally {
    await Promise.all(held.map(release));
  }
}

async function holdFirstFree(wanted: number, taken: ReadonlySet<number>): Promise<Server> {
  for (let i = 0; i < TRIES; i++) {
    const port = wanted + i * STEP;
    const server = taken.has(port) ? undefined : await hold(port);
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

// ---- the list of what was chosen

const reservations = z.array(z.object({ port: z.number(), by: z.object({ pid: z.number(), born: z.string() }) }));

type Reservations = z.infer<typeof reservations>;

function userRegistry(): string {
  const directory = join(tmpdir(), `node-registrar-${process.getuid?.() ?? 'user'}`);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  return join(directory, 'ports.json');
}

/** Changes the list while nobody else does; what dead processes had reserved is dropped on the way. */
async function changing<T>(
  registry: string,
  change: (reserved: Reservations) => Promise<{ result: T; reserved: Reservations }>,
): Promise<T> {
  const retries = { retries: 100, minTimeout: 20, maxTimeout: 100 };
  const unlock = await lockfile.lock(registry, { realpath: false, stale: 5000, retries });
  try {
    const { result, reserved } = await change(readReservations(registry).filter(({ by }) => isAlive(by)));
    writeFileSync(registry, JSON.stringify(reserved));
    return result;
  } finally {
    await unlock();
  }
}

function readReservations(registry: string): Reservations {
  try {
    // A list that was written half, or by another version, reserves nothing.
    return reservations.safeParse(JSON.parse(readFileSync(registry, 'utf8'))).data ?? [];
  } catch (error) {
    if (hasCode(error, 'ENOENT') || error instanceof SyntaxError) return [];
    throw error;
  }
}
