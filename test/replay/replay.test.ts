import { Worker } from '@temporalio/worker';
import { beforeAll, describe, expect, it } from 'vitest';
import { errorsOnlyRuntime } from '../run/errors-only-runtime.js';
import { workflowBundle } from '../run/workflow-bundle.js';
import { PATHS } from './paths.js';
import { historyOf, RECORDED } from './recorded.js';

/**
 * Nodes run for months, through many versions of this code: what was decided
 * before a deployment must be decided alike after it. Recorded by
 * `npm run record:histories`.
 */

beforeAll(errorsOnlyRuntime);

describe('a recorded history', () => {
  it('is there for each path', () => {
    expect([...RECORDED].sort()).toEqual(Object.keys(PATHS).sort());
  });

  it('of each path is replayed by the workflow as it is now', async () => {
    const histories = RECORDED.map((path) => ({ workflowId: path, history: historyOf(path) }));
    const options = { workflowBundle: await workflowBundle(), replayName: 'each path' };
    for await (const { workflowId, error } of Worker.runReplayHistories(options, histories))
      expect(error, workflowId).toBeUndefined();
  });
});
