import pg from 'pg';
import type { PostgresHost } from './connection-string.js';
import type { Ssl } from './ssl-modes.js';

/** One way to connect: a host, with TLS or without. */
interface Try extends PostgresHost {
  readonly ssl: Ssl;
}

/** As pg says that a server has no TLS. */
const NO_TLS = 'The server does not support SSL connections';
/** The pool is full, or ended: another host is no help. */
const OF_THE_POOL = /^(timeout exceeded when trying to connect|Cannot use a pool after)/;

/**
 * A pool that tries several hosts, and each as its sslmode says, as libpq does. It goes on with the host that took the
 * last connection, and asks a server for TLS only once that has answered that it has none.
 */
export class PoolOfHosts extends pg.Pool {
  readonly #tries: readonly Try[];
  /** Which of the tries the next connection is. */
  readonly #next: { at: number };
  #error: unknown;

  constructor(hosts: readonly PostgresHost[], ssl: readonly Ssl[], options: pg.PoolConfig) {
    const next = { at: 0 };
    // libpq has no TLS on sockets.
    const tries = hosts.flatMap((host) =>
      (host.host.startsWith('/') ? [false as const] : ssl).map((one) => ({ ...host, ssl: one })),
    );
    const Client = class extends pg.Client {
      readonly at = next.at;

      constructor(config: pg.ClientConfig) {
        // The pool hides the password from those who list its options.
        super({ ...config, password: config.password, ...tries[next.at] });
      }
    };
    super({ ...options, Client: Client as never });
    this.#tries = tries;
    this.#next = next;
    this.on('connect', (client) => this.#goOnWith((client as pg.PoolClient & { readonly at: number }).at));
  }

  override connect(): Promise<pg.PoolClient>;
  override connect(callback: Parameters<pg.Pool['connect']>[0]): void;
  override connect(callback?: Parameters<pg.Pool['connect']>[0]): Promise<pg.PoolClient> | void {
    const connected = this.#connect();
    if (callback === undefined) return connected;
    connected.then(
      (client) => callback(undefined, client, (release) => client.release(release as Error)),
      (error: Error) => callback(error, undefined, () => undefined),
    );
  }

  async #connect(): Promise<pg.PoolClient> {
    // A connection that others have waited for may begin at another try than this one: so one more.
    for (let left = this.#tries.length; ; left -= 1) {
      const { at } = this.#next;
      try {
        return await super.connect();
      } catch (error) {
        if (OF_THE_POOL.test((error as Error).message) || this.#tries.length === 1 || left === 0) throw error;
        if (this.#next.at !== at) continue;
        this.#error = error;
        this.#next.at = (at + 1) % this.#tries.length;
      }
    }
  }

  /** The next connection goes to this host, too: with TLS first, unless it has just said that it has none. */
  #goOnWith(at: number): void {
    const host = ({ host, port }: Try): string => `${host}:${port}`;
    const used = this.#tries[at];
    const hasNoTls = used?.ssl === false && (this.#error as Error | undefined)?.message === NO_TLS;
    const first = this.#tries.findIndex((one) => used !== undefined && host(one) === host(used));
    this.#next.at = hasNoTls ? at : first;
  }
}
