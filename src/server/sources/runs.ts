import { WorkflowNotFoundError, type Client, type WorkflowExecutionDescription } from '@temporalio/client';
import type { CompiledContract } from '../../contracts/compiled.js';
import { SEARCH_ATTRIBUTES, WORKFLOW_TYPE, workflowId } from '../../../workflows/messages.js';
import { pendingActivities } from '../../runs/pending-activities.js';
import type { EarlierRun, PendingTry, Run } from '../api/node.js';
import { livesByLease } from '../../../workflows/core/index.js';
import { triesBefore } from '../node/tries.js';
import type { OpenRun } from '../source.js';

/** The page asks again soon. */
export const ANSWER_WITHIN_MS = 2_000;
/** More than this on their way at once are counted by their rows only. */
const MOST_OPEN = 2_000;

/** A node's run as Temporal describes it; null if it never had one, or it is kept no longer. */
export async function describeRun(
  client: Client,
  id: string,
  contract: CompiledContract,
): Promise<{ readonly run: Run; readonly pending: readonly PendingTry[] } | null> {
  try {
    const description = await client.withDeadline(Date.now() + ANSWER_WITHIN_MS, () =>
      client.workflow.getHandle(workflowId(id)).describe(),
    );
    const open = description.status.name === 'RUNNING';
    return {
      run: {
        run_id: description.runId,
        open,
        ended_as: open ? null : description.status.name.toLowerCase(),
        events: description.historyLength,
      },
      pending: await pendingOf(client, description, contract),
    };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}

/** Runs that are open and not in a state that lives by its lease: those on their way. */
export async function listOpenRuns(client: Client, contract: CompiledContract): Promise<OpenRun[]> {
  const living = Object.keys(contract.orchestrator.states).filter((name) => livesByLease(name, contract));
  const { state, node_id, node_type } = SEARCH_ATTRIBUTES;
  const query = [
    `WorkflowType = '${WORKFLOW_TYPE}'`,
    `ExecutionStatus = 'Running'`,
    ...living.map((name) => `${state.name} != '${name}'`),
  ].join(' AND ');
  const runs: OpenRun[] = [];
  for await (const { typedSearchAttributes, startTime } of client.workflow.list({ query, pageSize: 1_000 })) {
    const id = typedSearchAttributes.get(node_id);
    if (id === undefined) continue;
    runs.push({
      id,
      type: typedSearchAttributes.get(node_type) ?? null,
      state: typedSearchAttributes.get(state) ?? contract.orchestrator.initial,
      since: startTime.getTime(),
    });
    if (runs.length >= MOST_OPEN) break;
  }
  return runs;
}

/** So many earlier runs of a node are listed; Temporal's page has the others. */
const EARLIER_SHOWN = 20;

/** The runs of a node that have ended, newest first, without the one that is shown. A run ends with its attempt. */
export async function listEarlierRuns(client: Client, id: string, shown: string): Promise<Omit<EarlierRun, 'link'>[]> {
  const { state, node_id } = SEARCH_ATTRIBUTES;
  const query = `${node_id.name} = "${id}" AND ExecutionStatus != 'Running' AND ExecutionStatus != 'ContinuedAsNew'`;
  const runs: Omit<EarlierRun, 'link'>[] = [];
  for await (const run of client.workflow.list({ query, pageSize: EARLIER_SHOWN })) {
    const { runId, startTime, closeTime, typedSearchAttributes } = run;
    if (runId === shown || closeTime === undefined) continue;
    runs.push({
      run_id: runId,
      state: typedSearchAttributes.get(state) ?? null,
      began: startTime.getTime(),
      ended: closeTime.getTime(),
    });
    if (runs.length >= EARLIER_SHOWN) break;
  }
  return runs;
}

async function pendingOf(
  client: Client,
  description: WorkflowExecutionDescription,
  contract: CompiledContract,
): Promise<PendingTry[]> {
  const activities = await pendingActivities(client, description);
  return activities.map(({ last_at, made, ...pending }) => {
    const route = Object.values(contract.effects).find(({ activity }) => activity === pending.activity);
    const tries = last_at === null || made < 1 ? [] : [last_at];
    return {
      ...pending,
      backend: route?.backend ?? null,
      tries: last_at === null || made < 1 || route === undefined ? tries : triesBefore(made, last_at, route.retry),
    };
  });
}
