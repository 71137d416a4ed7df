import type { ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { errorText } from '../../error-text.js';
import { changesCursor, cursorAt, firstCursor, readChangesCursor, type ChangesCursor } from './cursors.js';
import type { RegistryReader } from './registry-reader.js';
import type { Change } from './schemas.js';

const CHANGES_AT_ONCE = 1_000;
/** A reader with more than this still to receive is sent nothing until it has: its cursor waits. Bytes. */
const MOST_BUFFERED = 1_000_000;
/** How often a reader is sent that it has everything: it notices a broken line by that. Milliseconds. */
const CURRENT_EVERY = 15_000;

export interface ChangeStreamsOptions {
  readonly registry: RegistryReader;
  /** How long the registry knows that a row was deleted. */
  readonly kept_seconds: number;
  readonly asChange: (change: Awaited<ReturnType<RegistryReader['changes']>>[number]) => Change;
  readonly logger: Logger;
  /** From look to look, milliseconds. */
  readonly everyMs: number;
}

/** Somebody who follows the changes. */
interface Follower {
  readonly response: ServerResponse;
  /** null: it starts anew. */
  cursor: ChangesCursor | null;
  /** What it brought along, until it is read. */
  brought: string | null;
  /** When it was sent that it has everything; 0: it has not. */
  currentAt: number;
}

/**
 * Sends changes to everybody who follows them, each from where it is. The registry is asked only while somebody
 * follows, and once for all who are at the same place.
 */
export class ChangeStreams {
  readonly #options: ChangeStreamsOptions;
  readonly #followers = new Set<Follower>();
  readonly #closing = new AbortController();
  #running: Promise<void> | null = null;
  #failure: string | null = null;

  constructor(options: ChangeStreamsOptions) {
    this.#options = options;
  }

  /**
   * Serves one stream until its reader goes.
   *
   * @param cursor the last event's id that the reader has; undefined for everything
   */
  serve(response: ServerResponse, headers: Readonly<Record<string, string>>, cursor: string | undefined): void {
    response.writeHead(200, {
      ...headers,
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    response.flushHeaders();
    const follower = { response, cursor: null, brought: cursor ?? null, currentAt: 0 };
    this.#followers.add(follower);
    response.on('close', () => this.#followers.delete(follower));
    this.#running ??= this.#run().finally(() => (this.#running = null));
  }

  /** Ends every stream: its reader comes back to whoever serves next. */
  async close(): Promise<void> {
    this.#closing.abort();
    for (const { response } of this.#followers) response.end();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    while (this.#followers.size > 0 && !signal.aborted) {
      const more = await this.#look();
      if (!more) await delay(this.#options.everyMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Never throws: while the registry does not answer, nobody misses anything. */
  async #look(): Promise<boolean> {
    const { registry, logger } = this.#options;
    try {
      const end = await registry.changesEnd();
      let more = false;
      for (const group of this.#atTheSamePlace(end)) more = (await this.#send(group, end)) || more;
      this.#failure = null;
      return more;
    } catch (error) {
      const reason = errorText(error);
      if (this.#failure !== reason) logger.warn({ reason }, 'changes cannot be read; their readers wait');
      this.#failure = reason;
      for (const { response } of this.#followers) response.write(':\n\n');
      return false;
    }
  }

  #atTheSamePlace(end: Awaited<ReturnType<RegistryReader['changesEnd']>>): Follower[][] {
    const groups = new Map<string, Follower[]>();
    for (const follower of this.#followers) {
      if (follower.response.writableLength > MOST_BUFFERED) continue;
      const cursor = this.#cursorOf(follower, end);
      const place = `${cursor.transaction} ${cursor.node_id}`;
      groups.set(place, [...(groups.get(place) ?? []), follower]);
    }
    return [...groups.values()];
  }

  /** Where a follower is; one whose cursor cannot be used is sent that everything comes again. */
  #cursorOf(follower: Follower, end: Awaited<ReturnType<RegistryReader['changesEnd']>>): ChangesCursor {
    const text = follower.brought ?? (follower.cursor === null ? null : changesCursor(follower.cursor));
    const usable = text === null ? null : readChangesCursor(text, end, this.#options.kept_seconds);
    if (usable === null) {
      write(follower.response, 'reset', { reason: text === null ? 'there was no cursor' : UNUSABLE });
      follower.currentAt = 0;
    }
    follower.brought = null;
    follower.cursor = usable ?? firstCursor(end);
    return follower.cursor;
  }

  async #send(group: readonly Follower[], end: Awaited<ReturnType<RegistryReader['changesEnd']>>): Promise<boolean> {
    const [{ cursor: after } = { cursor: null }] = group;
    if (after === null) return false;
    const changes = await this.#options.registry.changes(after, end.before, CHANGES_AT_ONCE);
    const isAll = changes.length < CHANGES_AT_ONCE;
    for (const follower of group) {
      const from = follower.cursor ?? after;
      for (const change of changes) {
        const { type, ...data } = this.#options.asChange(change);
        write(follower.response, type, 'node' in data ? data.node : data, { ...from, ...change.place });
      }
      follower.cursor = isAll ? cursorAt(end) : { ...from, ...changes.at(-1)?.place };
      if (isAll && (changes.length > 0 || Date.now() - follower.currentAt > CURRENT_EVERY)) {
        write(follower.response, 'current', { at: new Date(end.at * 1_000).toISOString() }, follower.cursor);
        follower.currentAt = Date.now();
      }
    }
    return !isAll;
  }
}

/** Why a reader begins anew. */
export const UNUSABLE =
  'this cursor is of another database, older than what is kept, or none of ours: begin again without one, and forget ' +
  'the nodes that are not sent again';

function write(response: ServerResponse, event: string, data: object, cursor?: ChangesCursor): void {
  const id = cursor === undefined ? '' : `id: ${changesCursor(cursor)}\n`;
  response.write(`${id}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
}
