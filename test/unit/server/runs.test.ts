import type { Client } from '@temporalio/client';
import { expect, test } from 'vitest';
import { SEARCH_ATTRIBUTES } from '../../../workflows/messages.js';
import { listEarlierRuns } from '../../../src/server/sources/runs.js';

const at = (minute: number): Date => new Date(Date.UTC(2026, 10, 26, 20, minute));
const run = (runId: string, state: string | undefined, closeTime: Date | undefined) => ({
  runId,
  closeTime,
  startTime: at(1),
  typedSearchAttributes: { get: (key: unknown) => (key === SEARCH_ATTRIBUTES.state ? state : undefined) },
});

test('earlier runs of a node are those of Temporal’s list that have ended, without the one that is shown', async () => {
  const asked: unknown[] = [];
  const found = [
    run('open', 'ACTIVE', undefined),
    run('shown', 'DEREGISTERED', at(9)),
    run('b', 'LIVENESS_EXPIRED', at(7)),
    run('a', undefined, at(5)),
  ];
  const list = async function* (options: unknown) {
    asked.push(options);
    yield* await Promise.resolve(found);
  };
  const client = { workflow: { list } } as unknown as Client;
  expect(await listEarlierRuns(client, 'mailer-1', 'shown')).toEqual([
    { run_id: 'b', state: 'LIVENESS_EXPIRED', began: at(1).getTime(), ended: at(7).getTime() },
    { run_id: 'a', state: null, began: at(1).getTime(), ended: at(5).getTime() },
  ]);
  expect(asked).toEqual([
    {
      query: `NodeId = "mailer-1" AND ExecutionStatus != 'Running' AND ExecutionStatus != 'ContinuedAsNew'`,
      pageSize: 20,
    },
  ]);
});
