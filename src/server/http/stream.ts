import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { COLUMNS, type Chunk, type FleetNode, type Hello } from '../api/fleet.js';
import type { Numbered } from '../fleet/changes.js';
import type { LiveFleet } from '../fleet/live-fleet.js';

const ROWS_A_CHUNK = 1_000;
const PING_MS = 15_000;
/** A reader that is so far behind is sent away; it comes back with its cursor. Bytes. */
const MOST_BUFFERED = 8_000_000;

/** What everybody gets first. */
type Greeting = Omit<Hello, 'now' | 'known_as' | 'resumed'>;

/** Sends the fleet to everybody who looks, each from where it was. */
export class Streams {
  readonly #fleet: LiveFleet;
  readonly #hello: Greeting;
  /** Sequences of another process mean nothing here. */
  readonly #epoch = randomUUID().slice(0, 8);
  readonly #open = new Set<ServerResponse>();

  constructor(fleet: LiveFleet, hello: Greeting) {
    this.#fleet = fleet;
    this.#hello = hello;
  }

  /**
   * Serves one stream until the reader goes.
   *
   * @param cursor the last event id that the reader has; undefined for a new one
   * @param known_as who the reader is, as a proxy says it
   */
  serve(
    response: ServerResponse,
    headers: Readonly<Record<string, string>>,
    { cursor, known_as }: { readonly cursor: string | undefined; readonly known_as: string | null },
  ): void {
    response.writeHead(200, {
      ...headers,
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    this.#open.add(response);
    const send = (event: string, data: unknown, id?: string): void => {
      if (response.writableLength > MOST_BUFFERED) response.destroy();
      else response.write(`${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    };
    const sendDelta = ({ sequence, delta }: Numbered): void => send('delta', delta, this.#id(sequence));
    const sendAll = (): void => {
      for (const chunk of chunks(this.#fleet.nodes)) send('rows', chunk);
      send('history', this.#fleet.history());
      send('ready', {}, this.#id(this.#fleet.sequence));
    };
    const missed = this.#missed(cursor);
    send('hello', { ...this.#hello, now: Date.now(), known_as, resumed: missed !== null } satisfies Hello);
    send('pulse', this.#fleet.pulse());
    if (missed !== null) {
      for (const numbered of missed) sendDelta(numbered);
      send('history', this.#fleet.history());
      send('ready', {}, this.#id(this.#fleet.sequence));
    } else if (this.#fleet.isLoaded) sendAll();
    const unlisten = this.#fleet.listen({
      delta: sendDelta,
      history: (history) => send('history', history),
      pulse: (pulse) => send('pulse', pulse),
      loaded: sendAll,
    });
    const ping = setInterval(() => send('pulse', this.#fleet.pulse()), PING_MS);
    response.on('close', () => {
      clearInterval(ping);
      unlisten();
      this.#open.delete(response);
    });
  }

  /** Ends every stream: their readers come back to whoever serves next. */
  close(): void {
    for (const response of this.#open) response.end();
  }

  #id(sequence: number): string {
    return `${this.#epoch}-${sequence}`;
  }

  #missed(cursor: string | undefined): readonly Numbered[] | null {
    const found = /^([0-9a-f]{8})-(\d+)$/.exec(cursor ?? '');
    if (found === null || found[1] !== this.#epoch || !this.#fleet.isLoaded) return null;
    return this.#fleet.missedSince(Number(found[2]));
  }
}

function* chunks(nodes: readonly FleetNode[]): Generator<Chunk> {
  for (let from = 0; from < nodes.length; from += ROWS_A_CHUNK) {
    const part = nodes.slice(from, from + ROWS_A_CHUNK);
    yield { columns: COLUMNS.map((column) => part.map((node) => node[column])) };
  }
}
