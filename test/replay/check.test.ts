import { Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { beforeAll, describe, expect, it } from 'vitest';
import { errorsOnlyRuntime } from '../run/errors-only-runtime.js';
import { workflowBundle } from '../run/workflow-bundle.js';
import { historyOf } from './recorded.js';

/** Replaying a history notices what must not change, and nothing else. */

let code: string;
beforeAll(async () => {
  errorsOnlyRuntime();
  code = (await workflowBundle()).code;
});

/** Replays a path with one thing of the bundle changed, in memory only. */
function replayed(what: string | RegExp, by: string, path = 'happy-path'): Promise<void> {
  const varied = code.replace(what, by);
  expect(varied === code, `the bundle has no ${String(what)} to vary`).toBe(false);
  return Worker.runReplayHistory({ workflowBundle: { code: varied }, replayName: path }, historyOf(path));
}

describe('the replay check', () => {
  it.each([
    ['starts a timer more', /const \{ row, [^}]*contract \} = await/, 'setTimeout(() => undefined, 1000); $&'],
    ['runs the backends in another order', /effects\.map\((run\d*)\)/g, '[...effects].reverse().map($1)'],
    [
      'does not read the registry row first',
      /(const \{ row, [^}]*contract \} =) await [^;]+openAttempt\)\(node_id\)/,
      '$1 carried ?? await new Promise(() => undefined)',
    ],
  ])('fails for a workflow that %s', async (_, what, by) => {
    await expect(replayed(what, by)).rejects.toThrow(DeterminismViolationError);
  });

  it('passes for a workflow that only words its journal anew', async () => {
    await expect(replayed('`published ${answer.types', '`sent ${answer.types')).resolves.toBeUndefined();
  });
});

describe('a run that was longer, before long ones were handed over,', () => {
  const RULE = /historyLength >= LONG_HISTORY_EVENTS && (.*patched\)\(.*\))/;

  it('is replayed as it was', async () => {
    await expect(replayed(RULE, 'historyLength >= 20 && $1', 'refreshed')).resolves.toBeUndefined();
  });

  it('could not be replayed if the rule did not ask when the run began', async () => {
    const replay = replayed(RULE, 'historyLength >= 20', 'refreshed');
    await expect(replay).rejects.toThrow(DeterminismViolationError);
  });
});
