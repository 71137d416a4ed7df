import {
  ActivityCancellationType,
  CancellationScope,
  isCancellation,
  scheduleActivity,
  scheduleLocalActivity,
  TemporalFailure,
} from '@temporalio/workflow';
import { REFUSED, type EffectRequest, type EffectResult, type Intent } from '../activities/api.js';
import type { CompiledContract, EffectRoute } from '../src/contracts/compiled.js';
import { QUICK, reasonOf } from './ask.js';

/** For whom a flight of effects is: their answers mean different things. */
export type Purpose = 'registration' | 'step' | 'refresh';

export type Answer =
  | { readonly kind: 'confirmed'; readonly purpose: Purpose; readonly route: EffectRoute }
  | { readonly kind: 'refused'; readonly purpose: Purpose; readonly route: EffectRoute; readonly reason: string }
  | { readonly kind: 'fenced'; readonly purpose: Purpose; readonly by: number }
  /** Every effect of the flight has answered. */
  | { readonly kind: 'landed'; readonly purpose: Purpose };

interface Effect {
  readonly route: EffectRoute;
  readonly request: EffectRequest;
}

/**
 * Effects, in parallel or in sequence as the contract says; their answers
 * queue up for the workflow's next turn. One flight at a time.
 *
 * A registration's are ordinary activities. Those of a later step are tried as
 * local ones first, which costs a healthy backend no transaction of the server
 * (measured: 36 events and 4 workflow tasks from start to ACTIVE become 28 and 3).
 */
export class Effects {
  readonly answers: Answer[] = [];
  #scope: CancellationScope | null = null;
  /** Flights of which something is still under way, cancelled ones too. */
  #open = 0;
  #purpose: Purpose = 'registration';

  get inFlight(): boolean {
    return this.#scope !== null;
  }

  get purpose(): Purpose | null {
    return this.inFlight ? this.#purpose : null;
  }

  /** Every flight has really ended: no backend is still to hear of an attempt that was superseded or is over. */
  get landed(): boolean {
    return this.#open === 0;
  }

  /** Starts a registration's effects. */
  register(node_id: string, attempt: number, intents: readonly Intent[], contract: CompiledContract): void {
    this.#fly('registration', effectsOf(node_id, attempt, intents, contract), contract);
  }

  /**
   * Starts the effects of a later step. Returns when their local activities
   * have ended, within 3 s: nothing else is decided meanwhile, and none of them
   * is ever cancelled (see docs/decisions/local-activities-end-first.md).
   */
  async carryOut(
    purpose: 'step' | 'refresh',
    node_id: string,
    attempt: number,
    intents: readonly Intent[],
    contract: CompiledContract,
  ): Promise<void> {
    const effects = effectsOf(node_id, attempt, intents, contract);
    const results: PromiseSettledResult<EffectResult>[] = [];
    if (contract.execution_mode === 'parallel') results.push(...(await Promise.allSettled(effects.map(locally))));
    // In sequence, what comes after a failure waits for it.
    else
      for (const effect of effects)
        if (results.at(-1)?.status !== 'rejected') results.push(...(await Promise.allSettled([locally(effect)])));

    const left = effects.filter(({ route }, index) => {
      const result = results[index];
      if (result?.status === 'fulfilled') this.answers.push(answerOf(purpose, route, result.value));
      else if (result !== undefined && (isCancellation(result.reason) || !(result.reason instanceof TemporalFailure)))
        throw result.reason;
      return result?.status !== 'fulfilled';
    });
    this.#fly(purpose, left, contract);
  }

  /** Ends what is in flight. Answers that are still to come are dropped; the fence makes late writes harmless. */
  cancel(): void {
    const scope = this.#scope;
    this.#scope = null;
    this.answers.length = 0;
    scope?.cancel();
  }

  #fly(purpose: Purpose, effects: readonly Effect[], contract: CompiledContract): void {
    const scope = new CancellationScope({ cancellable: true });
    this.#scope = scope;
    this.#purpose = purpose;
    this.#open += 1;
    const flight = async (): Promise<void> => {
      const run = (effect: Effect): Promise<boolean> => this.#run(purpose, scope, effect, contract);
      // Both handlers are attached in one tick: an unhandled rejection would fail the workflow task.
      if (contract.execution_mode === 'parallel') await Promise.allSettled(effects.map(run));
      else for (const effect of effects) if (!(await run(effect)) && purpose === 'registration') break;
      this.#open -= 1;
      if (this.#scope !== scope) return;
      this.#scope = null;
      this.answers.push({ kind: 'landed', purpose });
    };
    void scope.run(flight);
  }

  async #run(
    purpose: Purpose,
    scope: CancellationScope,
    { route, request }: Effect,
    contract: CompiledContract,
  ): Promise<boolean> {
    let answer: Answer;
    try {
      answer = answerOf(purpose, route, await ordinarily(purpose, route, request));
    } catch (error) {
      if (isCancellation(error)) return false;
      answer = { kind: 'refused', purpose, route, reason: `${route.backend}: ${reasonOf(error)}` };
      if (!contract.partial_failure_handling && purpose === 'registration') scope.cancel();
    }
    if (this.#scope === scope) this.answers.push(answer);
    return answer.kind === 'confirmed';
  }
}

function effectsOf(node_id: string, attempt: number, intents: readonly Intent[], contract: CompiledContract): Effect[] {
  return intents.flatMap((intent): Effect[] => {
    const route = contract.effects[intent.payload.intent_type];
    return route === undefined ? [] : [{ route, request: { node_id, attempt, intent } }];
  });
}

function answerOf(purpose: Purpose, route: EffectRoute, result: EffectResult): Answer {
  return result.done ? { kind: 'confirmed', purpose, route } : { kind: 'fenced', purpose, by: result.fenced_by };
}

function summaryOf({ intent, attempt }: EffectRequest): string {
  return `${intent.payload.intent_type}, attempt ${attempt}`;
}

function locally({ route, request }: Effect): Promise<EffectResult> {
  return scheduleLocalActivity<EffectResult>(route.activity, [request], { ...QUICK, summary: summaryOf(request) });
}

/** Only a registration can be refused for good; every later effect is repaired, however long that takes. */
function ordinarily(purpose: Purpose, route: EffectRoute, request: EffectRequest): Promise<EffectResult> {
  return scheduleActivity<EffectResult>(route.activity, [request], {
    startToCloseTimeout: route.start_to_close_seconds * 1000,
    // Cancelled, it has ended when its backend has nothing more to hear.
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    summary: summaryOf(request),
    retry: {
      initialInterval: route.retry.initial_interval_seconds * 1000,
      backoffCoefficient: route.retry.backoff_coefficient,
      maximumInterval: route.retry.maximum_interval_seconds * 1000,
      ...(route.retry.maximum_attempts === undefined || purpose !== 'registration'
        ? {}
        : { maximumAttempts: route.retry.maximum_attempts }),
      nonRetryableErrorTypes: purpose === 'registration' ? [REFUSED] : [],
    },
  });
}
