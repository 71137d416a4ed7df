import type { Pool, PoolClient } from 'pg';
import { tryLock } from '../../registry/advisory-lock.js';
import { watchForLoss } from '../../registry/pool.js';

/**
 * Which of the bridges sweeps: the one that holds the lock. PostgreSQL gives it
 * to a session and takes it back when that ends, so a bridge that dies is
 * followed by another, and nobody has to notice.
 */
export class SweepLeadership {
  readonly #pool: Pool;
  readonly #name: string;
  #held: { readonly session: PoolClient; readonly loss: ReturnType<typeof watchForLoss> } | null = null;

  /** @param name of what is swept: bridges of the same name take turns */
  constructor(pool: Pool, name: string) {
    this.#pool = pool;
    this.#name = name;
  }

  /** The lock is held, as far as this process knows. */
  get isHeld(): boolean {
    return this.#held !== null && this.#held.loss.reason === undefined;
  }

  /** The session that holds the lock; null while another bridge holds it. */
  async session(): Promise<PoolClient | null> {
    if (this.#held?.loss.reason !== undefined) this.resign();
    if (this.#held !== null) return this.#held.session;
    const session = await this.#pool.connect();
    const loss = watchForLoss(session);
    try {
      if (await tryLock(session, this.#name)) {
        this.#held = { session, loss };
        return session;
      }
      loss.ignore();
      session.release();
      return null;
    } catch (error) {
      loss.ignore();
      session.release(true);
      throw loss.reason ?? error;
    }
  }

  /** Another bridge may sweep. Closing the session is what gives the lock back. */
  resign(): void {
    const held = this.#held;
    this.#held = null;
    held?.loss.ignore();
    held?.session.release(true);
  }
}
