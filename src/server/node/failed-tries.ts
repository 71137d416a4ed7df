import type { CompiledContract } from '../../contracts/compiled.js';
import type { FinishedTries } from '../../runs/finished-tries.js';
import type { StepView } from '../api/node.js';
import { titleOf } from '../contract/view.js';
import { triesBefore } from './tries.js';

/**
 * The steps of an attempt together with the tries that failed before a backend confirmed: the journal has only what
 * came of them.
 */
export function withFailedTries(
  steps: readonly StepView[],
  finished: readonly FinishedTries[],
  contract: CompiledContract,
): readonly StepView[] {
  const began = steps[0]?.at ?? Number.POSITIVE_INFINITY;
  const failed = finished.flatMap((one) => (one.last_at < began ? [] : [stepOf(one, contract)]));
  return [...steps, ...failed].sort((a, b) => a.at - b.at);
}

function stepOf({ activity, tries, last_at, failure }: FinishedTries, contract: CompiledContract): StepView {
  const route = Object.values(contract.effects).find((one) => one.activity === activity);
  const backend = route?.backend ?? null;
  const made = route === undefined ? [] : triesBefore(tries, last_at, route.retry).slice(0, -1);
  const failures = tries - 1;
  const title = backend === null ? activity : titleOf(backend);
  return {
    // Where the pauses are not known, it stands before the try that was the last.
    at: made.at(-1) ?? last_at - 1,
    kind: 'failed',
    lane: backend,
    text: `${title}: ${failures} ${failures === 1 ? 'try' : 'tries'} failed`,
    detail: failures === 1 ? null : `since about ${new Date(made[0] ?? last_at).toISOString().slice(11, 19)} UTC`,
    words: failure,
    state: null,
  };
}
