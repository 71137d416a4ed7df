import { WorkflowNotFoundError } from '@temporalio/client';
import pLimit from 'p-limit';
import type { PoolClient } from 'pg';
import { SUSPECT_SIGNAL, WORKFLOW_TYPE, workflowId } from '../../../workflows/messages.js';
import type { Contracts } from '../../contracts/load.js';
import { findSuspects, type Position, type Suspect } from '../../registry/leases/find-suspects.js';
import type { Topics } from '../../registry/leases/watermarks.js';
import { purgeEnded } from '../../registry/rows/purge-ended.js';
import type { BridgeContext } from '../context.js';
import { every, type Repetition } from '../every.js';
import { Backend } from '../backend.js';
import { startOf } from '../start-of.js';
import { SweepLeadership } from './sweep-leadership.js';
import { isAboutTheMessage } from '../temporal-errors.js';
import { WakePauses } from './wake-pauses.js';

/** Leases looked at in one statement. */
const PAGE = 500;
/** Nodes woken in one pass: a fleet that falls silent at once must not take Temporal from those who register. */
const WAKES_PER_PASS = 1_000;
/** Signals under way at once. */
const IN_FLIGHT = 16;
const CALL_TIMEOUT_MS = 5_000;
const LONGEST_PAUSE_MS = 3_600_000;

const PURGED_AT_ONCE = 1_000;
const PURGE_EVERY_MS = 600_000;
/** How often what has ended is looked for where no sweep runs. */
const WITHOUT_SWEEP_SECONDS = 60;

type Context = Pick<BridgeContext, 'temporalClient' | 'taskQueue' | 'pool' | 'counters' | 'logger' | 'temporal'>;
type Rules = Pick<Contracts, 'compiled' | 'sweep' | 'retention'>;

/**
 * Looks for nodes whose lease has run out, and wakes only those: a healthy node
 * costs nothing. Whether it is really gone is for its own run to verify; one
 * that has lost its run gets one that ends it. Now and then it also forgets
 * what ended long ago.
 *
 * Of all bridges one does this; another follows when it dies.
 *
 * @param topics final names of the heartbeat topics; the first names this sweep among the bridges
 */
export function startSweep(context: Context, rules: Rules, topics: Topics): Repetition {
  const stopping = new AbortController();
  const sweep = new Sweep(context, rules, topics, stopping.signal);
  const passes = every((rules.sweep?.interval_seconds ?? WITHOUT_SWEEP_SECONDS) * 1_000, () => sweep.pass());
  return {
    async stop() {
      stopping.abort();
      await passes.stop();
      sweep.resign();
    },
  };
}

class Sweep {
  readonly #context: Context;
  readonly #rules: Rules;
  readonly #topics: Topics;
  readonly #signal: AbortSignal;
  readonly #leadership: SweepLeadership;
  readonly #database: Backend;
  readonly #pauses: WakePauses;
  readonly #limit = pLimit(IN_FLIGHT);
  #purgeAt = 0;

  constructor(context: Context, rules: Rules, topics: Topics, signal: AbortSignal) {
    this.#context = context;
    this.#rules = rules;
    this.#topics = topics;
    this.#signal = signal;
    this.#leadership = new SweepLeadership(context.pool, topics[0]);
    this.#database = new Backend('the database that the sweep asks', context.logger);
    this.#pauses = new WakePauses({
      firstMs: rules.compiled.liveness.window_seconds * 1_000,
      longestMs: LONGEST_PAUSE_MS,
    });
  }

  /** Once through all suspects. A database that is away is waited for: the next pass asks it again. */
  async pass(): Promise<void> {
    try {
      const session = await this.#leadership.session();
      if (session !== null) {
        if (this.#rules.sweep !== null) await this.#wakeSuspects(session);
        await this.#purge(session);
      }
      this.#database.answered();
    } catch (error) {
      if (this.#signal.aborted) return;
      this.#leadership.resign();
      this.#database.failed(error);
    }
  }

  resign(): void {
    this.#leadership.resign();
  }

  async #wakeSuspects(session: PoolClient): Promise<void> {
    const { counters, logger } = this.#context;
    const before = { woken: counters.suspects_woken, adopted: counters.runs_adopted };
    this.#pauses.begins();
    let after: Position | null = null;
    let woken = 0;
    do {
      const { suspects, next } = await findSuspects(session, {
        topics: this.#topics,
        ...this.#rules.compiled.liveness,
        limit: PAGE,
        after,
      });
      const due = this.#pauses.due(suspects, Date.now());
      await Promise.all(due.map((suspect) => this.#limit(() => this.#wake(suspect))));
      woken += due.length;
      after = next;
    } while (after !== null && woken < WAKES_PER_PASS);
    if (after === null) this.#pauses.passed();
    counters.sweeps += 1;
    if (woken > 0)
      logger.info(
        { woken: counters.suspects_woken - before.woken, adopted: counters.runs_adopted - before.adopted },
        'leases have run out: their nodes are verified',
      );
  }

  /** Waits for Temporal for as long as it takes. */
  async #wake(suspect: Suspect): Promise<void> {
    const { temporalClient, taskQueue, counters, logger } = this.#context;
    const { node_id } = suspect;
    try {
      if (await this.#tell(() => temporalClient.workflow.getHandle(workflowId(node_id)).signal(SUSPECT_SIGNAL))) {
        counters.suspects_woken += 1;
        return;
      }
      const options = { ...startOf(suspect, taskQueue), signal: SUSPECT_SIGNAL };
      await this.#tell(() => temporalClient.workflow.signalWithStart(WORKFLOW_TYPE, options));
      counters.runs_adopted += 1;
    } catch (error) {
      if (this.#signal.aborted) throw error;
      logger.error({ node_id, error }, 'a node whose lease has run out can not be told to verify it');
    }
  }

  /** Whether there was a run to tell. */
  async #tell(call: () => Promise<unknown>): Promise<boolean> {
    const { temporal, temporalClient } = this.#context;
    try {
      await temporal.untilAnswered(() => temporalClient.withDeadline(Date.now() + CALL_TIMEOUT_MS, call), {
        signal: this.#signal,
        isFinal: (error) => error instanceof WorkflowNotFoundError || isAboutTheMessage(error),
      });
      return true;
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return false;
      throw error;
    }
  }

  async #purge(session: PoolClient): Promise<void> {
    if (Date.now() < this.#purgeAt) return;
    const { counters, logger } = this.#context;
    const purged = await purgeEnded(session, { ...this.#rules.retention, limit: PURGED_AT_ONCE });
    counters.records_purged += purged.records;
    counters.leases_purged += purged.leases;
    if (purged.records + purged.leases > 0) logger.info(purged, 'forgot what ended long ago');
    const more = Math.max(purged.records, purged.leases) === PURGED_AT_ONCE;
    this.#purgeAt = more ? 0 : Date.now() + PURGE_EVERY_MS;
  }
}
