import {
  ActivityCancellationType,
  CancellationScope,
  isCancellation,
  scheduleActivity,
  scheduleLocalActivity,
} from '@temporalio/workflow';
import { REFUSED, type EffectRequest, type EffectResult, type Intent } from '../activities/api.js';
import type { CompiledContract, EffectRoute } from '../src/contracts/compiled.js';
import { localOptions, ordinaryOptions, reasonOf, rethrowUnlessFailed } from './calls.js';
import type { Answer, Purpose } from './core/answer.js';
import type { Flight } from './core/next.js';

interface Effect {
  readonly route: EffectRoute;
  readonly request: EffectRequest;
}

/** For whom effects are started. */
export interface Effort {
  readonly purpose: Purpose;
  readonly node_id: string;
  readonly attempt: number;
  readonly instance_id?: string;
}

/**
 * Effects, in parallel or in sequence as the contract says, for one purpose at a
 * time. Effects whose placement is `local_first` are tried as local activities,
 * which cost a healthy backend no transaction of the server (measured: 36 events
 * and 4 workflow tasks from start to ACTIVE become 28 and 3).
 */
export class Effects {
  #scope: CancellationScope | null = null;
  /** Groups of effects of which something is still in flight, cancelled ones too. */
  #open = 0;

  /** @param answer receives what comes back, unless it was cancelled */
  constructor(private readonly answer: (answer: Answer) => void) {}

  get flight(): Flight {
    if (this.#scope !== null) return 'in flight';
    return this.#open > 0 ? 'cancelled' : 'none';
  }

  /**
   * Starts effects. Returns when the local tries have ended: nothing else is
   * decided meanwhile, and no local activity is ever cancelled
   * (see docs/decisions/local-activities-end-first.md).
   */
  async start(effort: Effort, intents: readonly Intent[], contract: CompiledContract): Promise<void> {
    const effects = effectsOf(effort, intents, contract);
    const results = await tryLocally(effects, contract);
    const left: Effect[] = [];
    for (const effect of effects) {
      const result = results.get(effect);
      if (result === undefined) left.push(effect);
      else this.answer(answerOf(effort.purpose, result));
    }
    this.#startOrdinary(effort.purpose, left, contract);
  }

  /** What is in flight is superseded. Its answers are dropped; the fence makes late writes harmless. */
  cancel(): void {
    const scope = this.#scope;
    this.#scope = null;
    scope?.cancel();
  }

  #startOrdinary(purpose: Purpose, effects: readonly Effect[], contract: CompiledContract): void {
    const scope = new CancellationScope({ cancellable: true });
    this.#scope = scope;
    this.#open += 1;
    const run = (effect: Effect): Promise<boolean> => this.#run(purpose, scope, effect, contract);
    void scope.run(async () => {
      // Both handlers are attached in one tick: an unhandled rejection would fail the workflow task.
      if (contract.execution_mode === 'parallel') await Promise.allSettled(effects.map(run));
      else for (const effect of effects) if (!(await run(effect)) && purpose === 'registration') break;
      this.#open -= 1;
      if (this.#scope !== scope) return;
      this.#scope = null;
      this.answer({ kind: 'settled', purpose });
    });
  }

  /** @returns whether the effect was done */
  async #run(purpose: Purpose, scope: CancellationScope, effect: Effect, contract: CompiledContract): Promise<boolean> {
    const { route } = effect;
    let answer: Answer;
    try {
      answer = answerOf(purpose, await ordinarily(purpose, effect));
    } catch (error) {
      if (isCancellation(error)) return false;
      answer = { kind: 'refused', purpose, route, reason: `${route.backend}: ${reasonOf(error)}` };
      if (!contract.partial_failure_handling && purpose === 'registration') scope.cancel();
    }
    if (this.#scope === scope) this.answer(answer);
    return answer.kind === 'confirmed';
  }
}

function effectsOf(
  { node_id, attempt, instance_id }: Effort,
  intents: readonly Intent[],
  contract: CompiledContract,
): Effect[] {
  const whose = { node_id, attempt, ...(instance_id === undefined ? {} : { instance_id }) };
  return intents.flatMap((intent): Effect[] => {
    const route = contract.effects[intent.payload.intent_type];
    if (route === undefined) return [];
    return [{ route, request: { ...whose, intent, confirmation: route.confirmation } }];
  });
}

/** The results of the effects that succeeded as local activities. */
async function tryLocally(effects: readonly Effect[], contract: CompiledContract): Promise<Map<Effect, EffectResult>> {
  const done = new Map<Effect, EffectResult>();
  const attempt = async (some: readonly Effect[]): Promise<boolean> => {
    const results = await Promise.allSettled(some.map((effect) => locally(effect, contract)));
    some.forEach((effect, index) => {
      const result = results[index];
      if (result?.status === 'fulfilled') done.set(effect, result.value);
      else rethrowUnlessFailed(result?.reason);
    });
    return results.every(({ status }) => status === 'fulfilled');
  };
  const local = effects.filter(({ route }) => route.placement === 'local_first');
  if (contract.execution_mode === 'parallel') await attempt(local);
  // In sequence, what comes after another effect waits for it.
  else for (const effect of effects) if (!local.includes(effect) || !(await attempt([effect]))) break;
  return done;
}

function answerOf(purpose: Purpose, result: EffectResult): Answer {
  if (result.done) return { kind: 'confirmed', purpose, event: result.event };
  return { kind: 'fenced', purpose, by: result.fenced_by };
}

function summaryOf({ route, request: { intent, attempt } }: Effect): string {
  return `${route.operation}: ${intent.payload.intent_type} -> ${intent.target}, registration attempt ${attempt}`;
}

function locally(effect: Effect, contract: CompiledContract): Promise<EffectResult> {
  const options = { ...localOptions(contract.local_tries), summary: summaryOf(effect) };
  return scheduleLocalActivity<EffectResult>(effect.route.activity, [effect.request], options);
}

/** A step on the way into a state, or at an end, is tried until it is done. For any other effect a refusal is final. */
function ordinarily(purpose: Purpose, effect: Effect): Promise<EffectResult> {
  const { activity, start_to_close_seconds, retry } = effect.route;
  const options = ordinaryOptions(start_to_close_seconds, retry);
  return scheduleActivity<EffectResult>(activity, [effect.request], {
    ...options,
    // Cancelled, it has ended when its backend gets nothing more.
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    summary: summaryOf(effect),
    retry: { ...options.retry, nonRetryableErrorTypes: purpose === 'step' ? [] : [REFUSED] },
  });
}
