import type { CompiledContract } from '../../contracts/compiled.js';
import type { Sql } from '../../registry/pool.js';
import { findUnfinished, type Unfinished } from '../../registry/rows/find-unfinished.js';
import { SignalPauses } from './signal-pauses.js';

/** Rows looked at in one statement. */
const PAGE = 500;
/** Nodes signalled in one pass. */
const SIGNALS_PER_PASS = 1_000;
const EVERY_MS = 60_000;
const LONGEST_PAUSE_MS = 3_600_000;

/**
 * Attempts that have neither ended nor a lease, for longer than all ack rounds last. Their run is gone (terminated, or
 * lost), or what it has written is (a failover of the database), or it waits for a backend. Its run knows which: one
 * that is signalled writes everything again, and a fresh one begins the attempt again.
 */
export class UnfinishedAttempts {
  readonly #seconds: number;
  readonly #signal: (node: Unfinished) => Promise<void>;
  readonly #pauses: SignalPauses;
  #lookAt = 0;

  /** @param signal must start a run where the node has none */
  constructor(contract: CompiledContract, signal: (node: Unfinished) => Promise<void>) {
    this.#seconds = registrationSeconds(contract);
    this.#signal = signal;
    this.#pauses = new SignalPauses({ firstMs: this.#seconds * 1_000, longestMs: LONGEST_PAUSE_MS });
  }

  /**
   * Looks for them once a minute, however often it is called.
   *
   * @returns how many nodes were signalled
   */
  async pass(sql: Sql): Promise<number> {
    if (Date.now() < this.#lookAt) return 0;
    this.#pauses.begins();
    let signalled = 0;
    let after = '';
    let page: Unfinished[];
    do {
      page = await findUnfinished(sql, { older_than_seconds: this.#seconds, limit: PAGE, after });
      const due = this.#pauses.due(
        page.map((node) => ({ ...node, deadline: node.state_since })),
        Date.now(),
      );
      await Promise.all(due.map(this.#signal));
      signalled += due.length;
      after = page.at(-1)?.node_id ?? '';
    } while (page.length === PAGE && signalled < SIGNALS_PER_PASS);
    if (page.length < PAGE) this.#pauses.passed();
    this.#lookAt = Date.now() + EVERY_MS;
    return signalled;
  }
}

/** How long an attempt can take from its registry row to its end or its lease, while nothing is away. */
function registrationSeconds({ timers, liveness }: CompiledContract): number {
  const rounds = Object.values(timers).map(({ seconds, rounds }) => seconds * (rounds ?? 0));
  return rounds.reduce((sum, each) => sum + each, 0) + liveness.grace_seconds;
}
