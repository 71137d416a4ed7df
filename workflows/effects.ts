import { ActivityCancellationType, CancellationScope, isCancellation, scheduleActivity, scheduleLocalActivity, TemporalFailure } from '@temporalio/workflow';
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

/**
 * Effects in flight, in parallel or in sequence as the contract says; their
 * answers queue up for the workflow's next turn. One flight at a time.
 *
 * A registration's are ordinary activities. Those of a later step are tried as
 * local ones first, which costs a healthy backend no transaction of the server
 * (measured: 36 events and 4 workflow tasks from start to ACTIVE become 28 and 3).
 */
export class Effects {
  readonly answers: Answer[] = [];
  #scope: CancellationScope | null = null;
  #ended: Promise<unknown> = Promise.resolve();

  #purpose: Purpose = 'registration';

  get inFlight(): boolean {
    return this.#scope !== null;
  }

  get purpose(): Purpose | null {
    return this.inFlight ? this.#purpose : null;
  }

  /**
   * @param purpose for whom the answers are
   * @param lastWord true at the end of an attempt: wait until a cancelled flight has really ended
   */
  start(purpose: Purpose, node_id: string, attempt: number, intents: readonly Intent[], contract: CompiledContract, lastWord: boolean): void {
    const before = lastWord ? this.#ended : null;
    const scope = new CancellationScope({ cancellable: true });
    this.#scope = scope;
    this.#purpose = purpose;
    const flight = async (): Promise<void> => {
      if (before !== null) await before;
      const run = (intent: Intent): Promise<boolean> => this.#run(purpose, scope, { node_id, attempt, intent }, contract);
      // Both handlers are attached in one tick: an unhandled rejection would fail the workflow task.
      if (contract.execution_mode === 'parallel') await Promise.allSettled(intents.map(run));
      else for (const intent of intents) if (!(await run(intent)) && purpose === 'registration') break;
      if (this.#scope !== scope) return;
      this.#scope = null;
      this.answers.push({ kind: 'landed', purpose });
    };
    this.#ended = scope.run(flight).catch((error: unknown) => {
      if (!isCancellation(error)) throw error;
    });
  }

  /** Ends what is in flight. Answers that are still to come are dropped; the fence makes late writes harmless. */
  cancel(): void {
    const scope = this.#scope;
    this.#scope = null;
    this.answers.length = 0;
    scope?.cancel();
  }

  async #run(purpose: Purpose, scope: CancellationScope, request: EffectRequest, contract: CompiledContract): Promise<boolean> {
    const route = contract.effects[request.intent.payload.intent_type];
    if (route === undefined) return false;
    let answer: Answer;
    try {
      const result = purpose === 'registration' ? await ordinary(route, purpose, request) : await localFirst(route, purpose, request);
      answer = result.done ? { kind: 'confirmed', purpose, route } : { kind: 'fenced', purpose, by: result.fenced_by };
    } catch (error) {
      if (isCancellation(error)) return false;
      answer = { kind: 'refused', purpose, route, reason: `${route.backend}: ${reasonOf(error)}` };
      if (!contract.partial_failure_handling && purpose === 'registration') scope.cancel();
    }
    if (this.#scope === scope) this.answers.push(answer);
    return answer.kind === 'confirmed';
  }
}

function ordinary(route: EffectRoute, purpose: Purpose, request: EffectRequest): Promise<EffectResult> {
  return scheduleActivity<EffectResult>(route.activity, [request], optionsFor(route, purpose, request));
}

async function localFirst(route: EffectRoute, purpose: Purpose, request: EffectRequest): Promise<EffectResult> {
  const { summary } = optionsFor(route, purpose, request);
  try {
    // Never cancelled, it ends within its 3 s: cancelling one that has answered in the same workflow task,
    // as another's fence does, fails that task (SDK 1.24, "Invalid transition in state machine").
    return await CancellationScope.nonCancellable(() => scheduleLocalActivity<EffectResult>(route.activity, [request], { ...QUICK, summary }));
  } catch (error) {
    if (!(error instanceof TemporalFailure)) throw error;
    // In a flight that has been cancelled meanwhile, this begins nothing and throws the cancellation.
    return ordinary(route, purpose, request);
  }
}

/** Only a registration can be refused for good; every later effect is repaired, however long that takes. */
function optionsFor(route: EffectRoute, purpose: Purpose, request: EffectRequest) {
  return {
    startToCloseTimeout: route.start_to_close_seconds * 1000,
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    summary: `${request.intent.payload.intent_type}, attempt ${request.attempt}`,
    retry: {
      initialInterval: route.retry.initial_interval_seconds * 1000,
      backoffCoefficient: route.retry.backoff_coefficient,
      maximumInterval: route.retry.maximum_interval_seconds * 1000,
      ...(route.retry.maximum_attempts === undefined || purpose !== 'registration' ? {} : { maximumAttempts: route.retry.maximum_attempts }),
      nonRetryableErrorTypes: purpose === 'registration' ? [REFUSED] : [],
    },
  };
}
