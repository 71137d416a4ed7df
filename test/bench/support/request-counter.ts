import { connect, createServer, type AddressInfo } from 'node:net';
import { splitHostPort } from '../../../src/stack/state/servers.js';

/** A way to Temporal on which requests are counted. */
export interface RequestCounter {
  /** host:port to give instead of the server's. */
  readonly address: string;
  /** Requests of all its clients so far. */
  requests(): number;
  close(): Promise<void>;
}

/** What an HTTP/2 client sends first, before any frame. */
const PREFACE_BYTES = 24;
const FRAME_HEAD_BYTES = 9;
/** A frame of this type opens a stream: with gRPC, a request. */
const HEADERS_FRAME = 1;

/**
 * Listens beside a Temporal server and hands on every byte, both ways; on the
 * way there it counts the requests (gRPC without TLS: one HEADERS frame each).
 *
 * @param server host:port
 */
export async function countRequests(server: string): Promise<RequestCounter> {
  let requests = 0;
  const proxy = createServer((client) => {
    const frames = new Frames((type) => {
      if (type === HEADERS_FRAME) requests += 1;
    });
    const upstream = connect(splitHostPort(server));
    client.on('data', (chunk: Buffer) => frames.read(chunk));
    client.pipe(upstream).pipe(client);
    // Whichever end breaks, the other one gets an end of its own.
    client.on('error', () => upstream.destroy());
    upstream.on('error', () => client.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    requests: () => requests,
    close: () => new Promise((resolve) => proxy.close(() => resolve())),
  };
}

/** Frames of one connection, whose heads may be cut anywhere. */
class Frames {
  #skip = PREFACE_BYTES;
  #head = Buffer.alloc(0);

  constructor(private readonly onFrame: (type: number) => void) {}

  read(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      const skipped = Math.min(this.#skip, chunk.length - at);
      this.#skip -= skipped;
      at += skipped;
      const part = chunk.subarray(at, at + FRAME_HEAD_BYTES - this.#head.length);
      this.#head = Buffer.concat([this.#head, part]);
      at += part.length;
      if (this.#head.length < FRAME_HEAD_BYTES) return;
      this.#skip = this.#head.readUIntBE(0, 3);
      this.onFrame(this.#head.readUInt8(3));
      this.#head = Buffer.alloc(0);
    }
  }
}
