import { once } from 'node:events';
import { createServer as createHttp2Server, type Http2Server } from 'node:http2';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Connection, isGrpcDeadlineError } from '@temporalio/client';
import { expect, vi } from 'vitest';

/** A server for one test. */
export interface SilentServer {
  readonly address: string;
  close(): void;
}

/** Accepts connections, and never sends a byte. */
export async function neverAnswering(): Promise<SilentServer> {
  return listening(createServer());
}

/** Answers the first question of a client, what the server can do, and nothing after it: frozen in between. */
export async function frozenAfterConnect(): Promise<SilentServer> {
  const server = createHttp2Server();
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined);
    if (headers[':path']?.endsWith('/GetSystemInfo') !== true) return;
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    // A message of no bytes: not compressed, length 0.
    stream.end(Buffer.alloc(5));
  });
  return listening(server);
}

async function listening(server: Server | Http2Server): Promise<SilentServer> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    socket.on('error', () => undefined);
    sockets.add(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** From now on a deadline is 200 ms away, however far it was meant to be. */
export function shortDeadlines(): void {
  // Called with the connection as its `this`.
  // eslint-disable-next-line @typescript-eslint/unbound-method
  const original = Connection.prototype.withDeadline;
  vi.spyOn(Connection.prototype, 'withDeadline').mockImplementation(function (this: Connection, meant, work) {
    expect(Number(meant) - Date.now()).toBeLessThanOrEqual(20_000);
    return original.call<Connection, [number, typeof work], ReturnType<typeof work>>(this, Date.now() + 200, work);
  });
}

/** Fails where a call goes on, or ends otherwise than by its deadline. */
export async function endsByDeadline(call: Promise<unknown>): Promise<void> {
  const error: unknown = await call.then(
    () => expect.fail('it has succeeded'),
    (reason: unknown) => reason,
  );
  expect(isGrpcDeadlineError(error) || isGrpcDeadlineError((error as Error).cause), String(error)).toBe(true);
}
