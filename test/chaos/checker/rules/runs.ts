import { DEAD_LETTERS, clock, type NodeFacts } from '../facts.js';
import type { Run, Snapshot } from '../snapshot.js';

/** At no time had a node two open runs, under whatever workflow id. */
export function oneOpenRun({ node_id, runs }: NodeFacts, { runs: all }: Snapshot): readonly string[] {
  const foreign = all.filter((run) => run.node_id === node_id && !runs.includes(run));
  const inOrder = [...runs, ...foreign].sort((a, b) => a.started_at - b.started_at);
  return inOrder.flatMap((run, place) => {
    const before = inOrder[place - 1];
    if (before === undefined || (before.closed_at !== null && before.closed_at <= run.started_at)) return [];
    return [`run ${run.run_id} began at ${clock(run.started_at)}, while ${before.run_id} was open`];
  });
}

/** A run may complete, go on as a new one, or be ended by somebody. Everything else is a fault of the workflow. */
const HONEST = ['RUNNING', 'COMPLETED', 'CONTINUED_AS_NEW', 'TERMINATED', 'CANCELLED'];

/** Causes of a failed workflow task that are the workflow's own fault; with the others Temporal tries again. */
const OWN_FAULT = /NON_DETERMINISTIC|WORKFLOW_WORKER_UNHANDLED_FAILURE|BAD_/;

export function workflowsNeverFail({ runs }: NodeFacts): readonly string[] {
  return runs.flatMap((run) => [
    ...(HONEST.includes(run.status) ? [] : [`run ${run.run_id} has ended as ${run.status}`]),
    ...failures(run),
  ]);
}

function failures({ run_id, failed_tasks }: Run): readonly string[] {
  return failed_tasks
    .filter(({ cause }) => OWN_FAULT.test(cause))
    .map(({ cause, message }) => `a workflow task of run ${run_id} failed: ${cause}: ${message}`);
}

/** The load sends nothing but valid messages. */
export function noDeadLetters({ records }: Snapshot): readonly string[] {
  return records
    .filter(({ topic }) => DEAD_LETTERS.test(topic))
    .map(({ at, headers, value }) => `a dead letter of ${clock(at)}: ${headers['reason'] ?? ''}: ${value ?? ''}`);
}
