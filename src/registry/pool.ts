import pg from 'pg';
import { parseConnectionString } from './connection-string.js';
import { PoolOfHosts } from './pool-of-hosts.js';
import { sslTries } from './ssl-modes.js';

/** Anything a statement can be sent through: the pool, or a client inside a transaction. */
export type Sql = pg.Pool | pg.ClientBase;

export interface PoolOptions {
  /** Most connections kept. Default 10. */
  readonly max?: number;
  /** Milliseconds to wait for a connection. Default 3000. */
  readonly connectTimeoutMs?: number;
  /**
   * Milliseconds a statement may take, by the server's clock; the client gives up half a second later. Default 4000.
   */
  readonly statementTimeoutMs?: number;
  /** Called when an idle connection is lost. The pool opens another by itself. Default: a process warning. */
  readonly onConnectionLost?: (error: Error) => void;
}

const TIMESTAMPTZ = 1184;
const INT8 = 20;

/** Times leave the database as ISO 8601 with milliseconds, 64-bit numbers as numbers (ours stay far below 2^53). */
const types = {
  getTypeParser(oid: number, format?: 'text' | 'binary'): (value: string) => unknown {
    if (format !== 'binary' && oid === TIMESTAMPTZ) return (value) => new Date(value).toISOString();
    if (format !== 'binary' && oid === INT8) return Number;
    return pg.types.getTypeParser(oid, format) as (value: string) => unknown;
  },
};

/**
 * The one way to PostgreSQL. Every wait has an end, so that an activity of 10 s fails with the backend's own message
 * and not with its own timeout.
 *
 * @param connectionString as libpq takes it: one host or several, sslmode, target_session_attrs and so on
 * @throws Error when it cannot be used; its text has no password
 */
export function createPool(connectionString: string, options: PoolOptions = {}): pg.Pool {
  const { connectTimeoutMs = 3_000, statementTimeoutMs = 4_000, max = 10 } = options;
  const { hosts, parameters, ...login } = parseConnectionString(connectionString);
  const { sslmode: _mode, sslrootcert: _ca, sslcert: _cert, sslkey: _key, ...others } = parameters;
  const { target_session_attrs: attributes = 'any', ...settings } = others;
  if (attributes !== 'any' && !(attributes in SESSIONS))
    throw new Error(`target_session_attrs '${attributes}' is none of any, ${Object.keys(SESSIONS).join(', ')}`);
  // The pool waits for it, which its types leave out.
  const hooks: object =
    attributes === 'any' ? {} : { onConnect: (client: pg.ClientBase) => checkSession(client, attributes) };
  const pool = new PoolOfHosts(hosts, sslTries(parameters), {
    max,
    types,
    application_name: 'node-registrar',
    keepAlive: true,
    connectionTimeoutMillis: connectTimeoutMs,
    statement_timeout: statementTimeoutMs,
    query_timeout: statementTimeoutMs + 500,
    idle_in_transaction_session_timeout: 30_000,
    ...settings,
    ...login,
    ...hooks,
  });
  const place = `${hosts.map(({ host, port }) => `${host}:${port}`).join(',')}/${login.database ?? login.user ?? ''}`;
  places.set(pool, place);
  const onConnectionLost =
    options.onConnectionLost ??
    ((error: Error) => process.emitWarning(`lost an idle connection to PostgreSQL at ${place}: ${error.message}`));
  pool.on('error', onConnectionLost);
  return pool;
}

/** What `target_session_attrs` asks of a session: whether it is one of a standby, and whether it may write. */
const SESSIONS: Readonly<Record<string, (standby: boolean, readOnly: boolean) => boolean>> = {
  'read-write': (_standby, readOnly) => !readOnly,
  'read-only': (_standby, readOnly) => readOnly,
  primary: (standby) => !standby,
  standby: (standby) => standby,
};

/** @throws Error when the session is not as it should be: another host is tried then */
async function checkSession(client: pg.ClientBase, attributes: string): Promise<void> {
  const fits = SESSIONS[attributes];
  if (fits === undefined) return;
  const { rows } = await client.query<{ standby: boolean; read_only: boolean }>(
    "select pg_is_in_recovery() as standby, current_setting('transaction_read_only') = 'on' as read_only",
  );
  const { standby = true, read_only = true } = rows[0] ?? {};
  if (!fits(standby, read_only))
    throw new Error(
      `the server is a ${standby ? 'standby' : 'primary'} that may ${read_only ? 'only read' : 'write'}, ` +
        `and target_session_attrs=${attributes} asks for another`,
    );
}

const places = new WeakMap<pg.Pool, string>();

/** Hosts, ports and database of a pool, for messages; never its password. */
export function databaseAddress(pool: pg.Pool): string {
  return places.get(pool) ?? 'an unknown place';
}

/**
 * Runs `work` in one transaction: committed when it returns, rolled back when
 * it throws. A connection whose transaction failed is closed, not reused.
 */
export async function inTransaction<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  const loss = watchForLoss(client);
  try {
    await client.query('begin');
    const result = await work(client);
    await client.query('commit');
    loss.ignore();
    client.release();
    return result;
  } catch (error) {
    loss.ignore();
    // Closing the connection is the rollback: nothing that could fail in turn and hide the reason.
    client.release(true);
    throw loss.reason ?? error;
  }
}

/**
 * A connection that is lost between two statements emits an event, which would end the process if nobody listened. The
 * next statement then fails with a poorer text. `reason` is the error of the event.
 */
export function watchForLoss(client: pg.ClientBase): { readonly reason: Error | undefined; ignore: () => void } {
  let reason: Error | undefined;
  const lost = (error: Error): void => {
    reason ??= error;
  };
  client.on('error', lost);
  return {
    get reason() {
      return reason;
    },
    ignore: () => client.off('error', lost),
  };
}

/** SQLSTATE's class of data exceptions. */
const DATA = /^22...$/;

/** Whether the database refuses what it was given: the same statement with the same values fails again. */
export function isAboutTheData(error: unknown): boolean {
  return error instanceof pg.DatabaseError && DATA.test(error.code ?? '');
}
