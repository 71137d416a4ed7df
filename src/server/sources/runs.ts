import { isGrpcServiceError, WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { WorkflowExecutionDescription } from '@temporalio/client';
import type { CompiledContract } from '../../contracts/compiled.js';
import { SEARCH_ATTRIBUTES, STATUS_QUERY, WORKFLOW_TYPE, workflowId } from '../../../workflows/messages.js';
import type { Status } from '../../../workflows/details.js';
import type { PendingTry, Run } from '../api/node.js';
import { livesByLease } from '../contract/states.js';
import { triesBefore } from '../node/tries.js';
import type { OpenRun } from '../source.js';
import { errorText } from '../../error-text.js';

const ANSWER_WITHIN_MS = 2_000;
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
      pending: pendingOf(description, contract),
    };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}

/** What the run itself says; when no worker answers, why. */
export async function askStatus(
  client: Client,
  id: string,
): Promise<{ readonly status: Status | null; readonly no_answer: string | null }> {
  try {
    const status = await client.withDeadline(Date.now() + ANSWER_WITHIN_MS, () =>
      client.workflow.getHandle(workflowId(id)).query<Status>(STATUS_QUERY),
    );
    return { status, no_answer: null };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return { status: null, no_answer: null };
    return { status: null, no_answer: grpcWords(error) };
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

function pendingOf({ raw }: WorkflowExecutionDescription, contract: CompiledContract): PendingTry[] {
  return (raw.pendingActivities ?? []).map((pending) => {
    const activity = pending.activityType?.name ?? 'an activity';
    const route = Object.values(contract.effects).find((effect) => effect.activity === activity);
    const attempt = pending.attempt ?? 1;
    const next = millis(pending.nextAttemptScheduleTime);
    const next_at = next !== null && next > Date.now() ? next : null;
    const last = millis(pending.lastStartedTime) ?? millis(pending.scheduledTime);
    // In the pause after a failure the number is already that of the next try.
    const made = pending.lastFailure !== null && pending.lastFailure !== undefined ? attempt - 1 : attempt;
    return {
      activity,
      backend: route?.backend ?? null,
      attempt,
      limit: pending.maximumAttempts === 0 ? null : (pending.maximumAttempts ?? null),
      failure: innermost(pending.lastFailure),
      next_at,
      tries: last === null || made < 1 ? [] : route === undefined ? [last] : triesBefore(made, last, route.retry),
    };
  });
}

interface Failure {
  readonly message?: string | null;
  readonly cause?: Failure | null;
}

/** The backend's own words stand innermost. */
function innermost(failure: Failure | null | undefined): string | null {
  let words: string | null = null;
  for (let one = failure; one !== null && one !== undefined; one = one.cause) words = one.message ?? words;
  return words;
}

function millis(
  time: { readonly seconds?: unknown; readonly nanos?: number | null } | null | undefined,
): number | null {
  if (time === null || time === undefined) return null;
  const value = Number(time.seconds) * 1_000 + (time.nanos ?? 0) / 1e6;
  return value > 0 ? value : null;
}

function grpcWords(error: unknown): string {
  for (let one = error; one instanceof Error; one = one.cause)
    if (isGrpcServiceError(one)) return one.details || errorText(one);
  return errorText(error);
}
