import type { Contracts } from '../../contracts/load.js';
import {
  updateSelfPreservation,
  type SelfPreservationQuestion,
  type SelfPreservationState,
} from '../../registry/leases/self-preservation.js';
import { SelfPreservationLog } from '../../registry/leases/self-preservation-words.js';
import type { BridgeContext } from '../context.js';
import { every, type Repetition } from '../../every.js';
import { bridgeTopics } from '../bridge-topics.js';
import type { Names } from '../../protocol/topics.js';

/** When expiry is held, as the contract has it. */
export function selfPreservationQuestion(contracts: Contracts, names: Names): SelfPreservationQuestion {
  const { window_seconds, grace_seconds } = contracts.compiled.liveness;
  const { heartbeats: topics } = bridgeTopics(contracts, names);
  return { topics, window_seconds, grace_seconds, rule: contracts.selfPreservation };
}

export interface SelfPreservationWatch extends Repetition {
  /** Its state when it was last read; null before that. */
  readonly state: () => SelfPreservationState | null;
}

/**
 * Ends self-preservation when it is time: a worker that expires a lease can only
 * begin it. It is the bridge's work, since without a bridge no heartbeats are
 * stored and nobody expires anyway.
 */
export function watchSelfPreservation(
  { pool, logger, postgres }: BridgeContext,
  question: SelfPreservationQuestion,
): SelfPreservationWatch {
  const log = new SelfPreservationLog(logger);
  let state: SelfPreservationState | null = null;
  // Twenty times in a lease duration, and at least every 5 s: so seldom, counting a large fleet costs next to nothing.
  const looking = every(Math.min(5_000, question.window_seconds * 50), () =>
    postgres.once(async () => {
      state = await updateSelfPreservation(pool, question);
      log.update(state, question);
    }),
  );
  return { ...looking, state: () => state };
}
