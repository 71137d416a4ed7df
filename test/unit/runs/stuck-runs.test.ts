import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import proto from '@temporalio/proto';
import { describe, expect, it } from 'vitest';
import { endStuckRun, findStuckRuns } from '../../../src/runs/stuck-runs.js';

const { WorkflowTaskFailedCause: Cause, EventType } = proto.temporal.api.enums.v1;

const COMPLETED = { eventType: EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED };
const SIGNALED = { eventType: EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED };
const failed = (cause: number, message?: string) => ({
  eventType: EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED,
  workflowTaskFailedEventAttributes: { cause, failure: message === undefined ? null : { message } },
});
const MISTAKE = failed(Cause.WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE, 'reading map');

const GOES_ON = new AbortController().signal;

/** A Temporal that reports one run, with the newest of its events first. */
function temporal(events: readonly object[], terminate: () => Promise<void> = () => Promise.resolve()) {
  const queries: string[] = [];
  const reasons: string[] = [];
  const deadlines: number[] = [];
  const run = { workflowId: 'registration/a', runId: 'r-1', typedSearchAttributes: { get: () => 'a' } };
  const client = {
    options: { namespace: 'default' },
    withDeadline(deadline: number, call: () => Promise<unknown>) {
      deadlines.push(deadline);
      return call();
    },
    workflow: {
      async *list({ query }: { query: string }) {
        queries.push(query);
        yield await Promise.resolve(run);
      },
      getHandle: (id: string, run_id: string) => ({
        terminate(reason: string) {
          reasons.push(`${id} ${run_id}: ${reason}`);
          return terminate();
        },
      }),
    },
    workflowService: { getWorkflowExecutionHistoryReverse: () => Promise.resolve({ history: { events } }) },
  } as unknown as Client;
  return { client, queries, reasons, deadlines };
}

describe('a run that Temporal reports', () => {
  it.each([
    ['whose worker failed its newest task', [SIGNALED, MISTAKE, COMPLETED], 'reading map'],
    [
      'whose replay went another way',
      [failed(Cause.WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR, 'TMPRL1100')],
      'TMPRL1100',
    ],
    [
      'whose worker failed without a word',
      [failed(Cause.WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE)],
      'it does not say why',
    ],
  ])('and %s is stuck, with what the worker said', async (_, events, failure) => {
    const { client, queries } = temporal(events);
    expect(await findStuckRuns(client, 'nodes', GOES_ON)).toEqual([{ node_id: 'a', run_id: 'r-1', failure }]);
    expect(queries).toEqual([
      "WorkflowType = 'registration' AND TaskQueue = 'nodes' AND ExecutionStatus = 'Running' " +
        'AND TemporalReportedProblems IS NOT NULL',
    ]);
  });

  it.each([
    ['has completed a task since', [COMPLETED, MISTAKE]],
    ['only met a message in its last task', [failed(Cause.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND)]],
    ['waits for a worker that does not answer', [SIGNALED]],
  ])('and %s goes on by itself', async (_, events) => {
    expect(await findStuckRuns(temporal(events).client, 'nodes', GOES_ON)).toEqual([]);
  });
});

describe('finding stuck runs', () => {
  it('gives the list and each history ten seconds of its own', async () => {
    const { client, deadlines } = temporal([MISTAKE]);
    const before = Date.now();
    await findStuckRuns(client, 'nodes', GOES_ON);
    expect(deadlines).toHaveLength(2);
    for (const deadline of deadlines) expect(deadline - before).toBeGreaterThanOrEqual(10_000);
  });

  it('asks for no history once it is to stop', async () => {
    const { client, deadlines } = temporal([MISTAKE]);
    await expect(findStuckRuns(client, 'nodes', AbortSignal.abort(new Error('stops')))).rejects.toThrow('stops');
    expect(deadlines).toHaveLength(1);
  });
});

describe('ending a stuck run', () => {
  const run = { node_id: 'a', run_id: 'r-1', failure: 'reading map' };

  it('ends that run alone, and says where it stands why: what the worker said is not to be stored readable', async () => {
    const { client, reasons } = temporal([]);
    expect(await endStuckRun(client, run)).toBe(true);
    expect(reasons).toEqual(['registration/a r-1: its history cannot be replayed; its last failed task says why']);
  });

  it('has nothing to do where it has ended by itself', async () => {
    const gone = () => Promise.reject(new WorkflowNotFoundError('not found', 'registration/a', 'r-1'));
    expect(await endStuckRun(temporal([], gone).client, run)).toBe(false);
  });

  it('fails where Temporal does', async () => {
    const away = () => Promise.reject(new Error('away'));
    await expect(endStuckRun(temporal([], away).client, run)).rejects.toThrow('away');
  });
});
