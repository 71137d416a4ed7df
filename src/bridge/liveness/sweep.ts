import pLimit from 'p-limit';
import { REPAIR_SIGNAL, SUSPECT_SIGNAL } from '../../../workflows/messages.js';
import type { Contracts } from '../../contracts/load.js';
import { findSuspects, type SuspectsCursor, type Suspect } from '../../registry/leases/find-suspects.js';
import type { HeartbeatTopics } from '../../registry/leases/heartbeat-stream.js';
import { purgeEnded } from '../../registry/rows/purge-ended.js';
import type { BridgeContext } from '../context.js';
import { every, type Repetition } from '../../every.js';
import { Backend } from '../backend.js';
import type { StartedNode } from '../run-options.js';
import { signalWorkflow, type SignalOutcome } from '../signal-workflow.js';
import { SweepLeadership } from './sweep-leadership.js';
import { SignalPauses } from './signal-pauses.js';
import { UnfinishedAttempts } from './unfinished.js';

/** Leases looked at in one statement. */
const PAGE = 500;
/** Nodes signalled in one pass: a fleet that is gone at once must not keep Temporal from those who register. */
const SIGNALS_PER_PASS = 1_000;
/** Signals in flight at once. */
const IN_FLIGHT = 16;
const LONGEST_PAUSE_MS = 3_600_000;

const PURGED_AT_ONCE = 1_000;
const PURGE_EVERY_MS = 600_000;
/** How often what has ended is looked for where no sweep runs. */
const WITHOUT_SWEEP_SECONDS = 60;

type Context = Pick<BridgeContext, 'temporalClient' | 'runs' | 'pool' | 'counters' | 'logger' | 'temporal'>;
type Rules = Pick<Contracts, 'compiled' | 'sweep' | 'retention'>;

/** The sweep, and whether it is this bridge that does it. */
export interface Sweeping extends Repetition {
  readonly leads: () => boolean;
}

/**
 * Looks for nodes whose lease has expired, and signals only those: a healthy node
 * costs nothing. Whether it is really gone is for its own run to verify; one
 * that has lost its run gets one that ends it. Now and then it also looks for
 * attempts that were left unfinished, and deletes what ended long ago.
 *
 * Of all bridges one does this; another follows when it dies.
 *
 * @param topics final names of the heartbeat topics; the first names this sweep among the bridges
 */
export function startSweep(context: Context, rules: Rules, topics: HeartbeatTopics): Sweeping {
  const stopping = new AbortController();
  const sweep = new Sweep(context, rules, topics, stopping.signal);
  const passes = every(intervalOf(rules) * 1_000, () => sweep.pass());
  return {
    leads: () => sweep.leads,
    async stop() {
      stopping.abort();
      await passes.stop();
      await sweep.resign();
    },
  };
}

const intervalOf = ({ sweep }: Rules): number => sweep?.interval_seconds ?? WITHOUT_SWEEP_SECONDS;

class Sweep {
  readonly #context: Context;
  readonly #rules: Rules;
  readonly #topics: HeartbeatTopics;
  readonly #stopping: AbortSignal;
  readonly #leadership: SweepLeadership;
  readonly #database: Backend;
  readonly #pauses: SignalPauses;
  readonly #limit = pLimit(IN_FLIGHT);
  readonly #unfinished: UnfinishedAttempts;
  #purgeAt = 0;

  constructor(context: Context, rules: Rules, topics: HeartbeatTopics, stopping: AbortSignal) {
    this.#context = context;
    this.#rules = rules;
    this.#topics = topics;
    this.#stopping = stopping;
    this.#leadership = new SweepLeadership(context.pool, topics[0], intervalOf(rules));
    this.#database = new Backend('the database that the sweep asks', context.logger);
    this.#pauses = new SignalPauses({
      firstMs: rules.compiled.liveness.window_seconds * 1_000,
      longestMs: LONGEST_PAUSE_MS,
    });
    this.#unfinished = new UnfinishedAttempts(rules.compiled, (node) =>
      this.#limit(async () => {
        const repair = { name: REPAIR_SIGNAL, args: [], starts: node };
        await signalWorkflow(context, node.node_id, repair, stopping);
      }),
    );
  }

  /** Once through all suspects. A database that is away is waited for: the next pass asks it again. */
  async pass(): Promise<void> {
    try {
      if (await this.#leadership.take()) {
        if (this.#rules.sweep !== null) await this.#signalSuspects();
        await this.#repairUnfinished();
        await this.#purge();
      }
      this.#database.answered();
    } catch (error) {
      if (this.#stopping.aborted) return;
      this.#leadership.lose();
      this.#database.failed(error);
    }
  }

  /** This bridge is the one that sweeps. */
  get leads(): boolean {
    return this.#leadership.isHeld;
  }

  /** Where the database does not answer, the lease ends by itself. */
  async resign(): Promise<void> {
    await this.#database.once(() => this.#leadership.resign());
  }

  async #signalSuspects(): Promise<void> {
    const { counters, logger } = this.#context;
    const before = { signalled: counters.suspects_signalled, adopted: counters.runs_adopted };
    this.#pauses.begins();
    let after: SuspectsCursor | null = null;
    let due = 0;
    do {
      const { suspects, next } = await findSuspects(this.#context.pool, {
        topics: this.#topics,
        ...this.#rules.compiled.liveness,
        limit: PAGE,
        after,
      });
      const now = this.#pauses.due(suspects, Date.now());
      await Promise.all(now.map((suspect) => this.#limit(() => this.#signal(suspect))));
      due += now.length;
      after = next;
    } while (after !== null && due < SIGNALS_PER_PASS && (await this.#leadership.take()));
    if (after === null) this.#pauses.passed();
    counters.sweeps += 1;
    if (due > 0)
      logger.info(
        {
          signalled: counters.suspects_signalled - before.signalled,
          adopted: counters.runs_adopted - before.adopted,
        },
        'leases have expired: their nodes are verified',
      );
  }

  /** Waits for Temporal for as long as it takes. A node that has lost its run gets one. */
  async #signal(suspect: Suspect): Promise<void> {
    const { counters } = this.#context;
    const send = (starts?: StartedNode): Promise<SignalOutcome> => {
      const verify = { name: SUSPECT_SIGNAL, args: [], ...(starts === undefined ? {} : { starts }) };
      return signalWorkflow(this.#context, suspect.node_id, verify, this.#stopping);
    };
    const first = await send();
    if (first.outcome === 'delivered') counters.suspects_signalled += 1;
    if (first.outcome !== 'no_run') return;
    if ((await send(suspect)).outcome === 'delivered') counters.runs_adopted += 1;
  }

  async #repairUnfinished(): Promise<void> {
    const signalled = await this.#unfinished.pass(this.#context.pool);
    this.#context.counters.unfinished_signalled += signalled;
    if (signalled > 0)
      this.#context.logger.info({ signalled }, 'attempts were left unfinished: their nodes are registered again');
  }

  async #purge(): Promise<void> {
    if (Date.now() < this.#purgeAt) return;
    const { counters, logger } = this.#context;
    const purged = await purgeEnded(this.#context.pool, { ...this.#rules.retention, limit: PURGED_AT_ONCE });
    counters.rows_purged += purged.rows;
    counters.leases_purged += purged.leases;
    if (purged.rows + purged.leases > 0) logger.info(purged, 'deleted what ended long ago');
    const more = Math.max(purged.rows, purged.leases) === PURGED_AT_ONCE;
    this.#purgeAt = more ? 0 : Date.now() + PURGE_EVERY_MS;
  }
}
