import { patched, workflowInfo } from '@temporalio/workflow';

/**
 * A worker that does not have a run in its cache replays the whole history within one workflow task, which has 10 s.
 * 4,100 events (what Temporal suggests to hand over at) took 2.7 s of a processor, 1,000 take 0.7 s: many at once, as
 * after a worker's restart, still end in time. At eight looks a day a history gets this long in about two weeks.
 */
const LONG_HISTORY_EVENTS = 1_000;

/**
 * Whether this run is to be handed over to a new one (continue-as-new) because its history is long.
 * Runs of registrars before this rule have longer histories, and replay them without it.
 */
export function hasLongHistory(): boolean {
  const { continueAsNewSuggested, historyLength } = workflowInfo();
  if (continueAsNewSuggested) return true;
  return historyLength >= LONG_HISTORY_EVENTS && patched('hand over at 1,000 events');
}
