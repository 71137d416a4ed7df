import { connect } from 'node:net';
import type pg from 'pg';
import { watchForLoss } from './pool.js';

/** What pg's client knows of its connection; its types leave the keys out. */
interface Connected extends pg.PoolClient {
  readonly host: string;
  readonly port: number;
  readonly processID?: number | null;
  readonly secretKey?: number | null;
}

/**
 * Gives `work` a connection until the signal is aborted. A statement that runs then is cancelled at the server, and the
 * connection is closed: nothing of the work goes on when its activity has ended, and no statement begins after it.
 *
 * @throws the signal's reason, or what the work throws
 */
export async function whileWanted<T>(
  pool: pg.Pool,
  signal: AbortSignal,
  work: (sql: pg.PoolClient) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const client = (await pool.connect()) as Connected;
  const loss = watchForLoss(client);
  const cancel = (): void => cancelStatement(client);
  signal.addEventListener('abort', cancel, { once: true });
  let failed = true;
  try {
    signal.throwIfAborted();
    const result = await work(client);
    failed = false;
    return result;
  } catch (error) {
    throw loss.reason ?? error;
  } finally {
    signal.removeEventListener('abort', cancel);
    loss.ignore();
    // A cancellation may reach the server after the statement: it must not meet somebody else's on this connection.
    client.release(failed || signal.aborted);
  }
}

const CANCEL_WITHIN_MS = 1_000;
/** PostgreSQL, frontend/backend protocol 3.0, CancelRequest. */
const CANCEL_REQUEST = 80_877_102;

/**
 * Asks the server to cancel what runs on a connection, as libpq's PQcancel does: through another connection, without
 * TLS, with the keys of the first. (Not by pg_cancel_backend: behind PgBouncer the number is not that of a backend.) It
 * is a request without an answer; where it does not arrive, statement_timeout ends the statement.
 */
function cancelStatement({ host, port, processID, secretKey }: Connected): void {
  if (typeof processID !== 'number' || typeof secretKey !== 'number') return;
  const request = Buffer.alloc(16);
  [request.length, CANCEL_REQUEST, processID, secretKey].forEach((word, at) => request.writeInt32BE(word, 4 * at));
  const socket = connect(host.startsWith('/') ? { path: `${host}/.s.PGSQL.${port}` } : { host, port });
  socket.setTimeout(CANCEL_WITHIN_MS, () => socket.destroy());
  // Without an answer there is nothing to report: see above.
  socket.on('error', () => socket.destroy());
  socket.end(request);
}
