import { patched, workflowInfo } from '@temporalio/workflow';

/**
 * A worker that does not have a run in its cache replays the whole history within one workflow task, which has 10 s.
 * Temporal suggests a hand-over at about 4,100 events. Replaying those took 2.7 s of a processor, so 1,000 take about a
 * quarter of that. Many runs at once, as after a worker's restart, then still end in time.
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
