import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { releaseSweepLease, takeSweepLease, type SweepLease } from '../../registry/sweep-lease.js';

/** Renewals that may fail before another bridge sweeps. */
const RENEWALS = 3;
/** A database that is slow is no reason to change. */
const SHORTEST_SECONDS = 10;

/**
 * Which of the bridges sweeps: the one that has the lease, a row in PostgreSQL with an end, which it renews with each
 * pass. A bridge that dies is followed by another when the lease has ended. It rests on no session, so a pooler may
 * stand before PostgreSQL.
 */
export class SweepLeadership {
  readonly #pool: Pool;
  readonly #lease: SweepLease;
  readonly #seconds: number;
  /** Until when the lease is held, by this process's own clock, which does not jump: milliseconds. */
  #until = 0;

  /**
   * @param name of what is swept: bridges of the same name take turns
   * @param intervalSeconds from one renewal to the next
   */
  constructor(pool: Pool, name: string, intervalSeconds: number) {
    this.#pool = pool;
    this.#lease = { name, holder: randomUUID() };
    this.#seconds = Math.max(SHORTEST_SECONDS, RENEWALS * intervalSeconds);
  }

  /** The lease is held, as far as this process knows. */
  get isHeld(): boolean {
    return performance.now() < this.#until;
  }

  /** Takes the lease or renews it; false while another bridge has it. */
  async take(): Promise<boolean> {
    const asked = performance.now();
    const isMine = await takeSweepLease(this.#pool, this.#lease, this.#seconds);
    this.#until = isMine ? asked + this.#seconds * 1_000 : 0;
    return isMine;
  }

  /** This bridge takes nothing on until it has renewed the lease. */
  lose(): void {
    this.#until = 0;
  }

  /** Another bridge may sweep at once. */
  async resign(): Promise<void> {
    if (this.#until === 0) return;
    this.#until = 0;
    await releaseSweepLease(this.#pool, this.#lease);
  }
}
