import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { beforeAll, describe, expect, it } from 'vitest';
import { workflowBundle } from '../run/workflow-bundle.js';
import { fromJson } from './history-json.js';
import { PATHS } from './paths.js';

/**
 * Nodes run for months, through many versions of this code: what was decided
 * before a deployment must be decided alike after it. Recorded by
 * `npm run record:histories`.
 */

const folder = join(import.meta.dirname, 'histories');
const recorded = readdirSync(folder).map((file) => file.replace(/\.json$/, ''));

let bundle: { readonly code: string };
beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  bundle = await workflowBundle();
});

function replay(path: string, code = bundle.code): Promise<void> {
  const history = fromJson(JSON.parse(readFileSync(join(folder, `${path}.json`), 'utf8')));
  return Worker.runReplayHistory({ workflowBundle: { code }, replayName: path }, history);
}

/** The bundle with one thing changed, in memory only. */
function variant(what: string | RegExp, by: string): string {
  const varied = bundle.code.replace(what, by);
  expect(varied === bundle.code, `the bundle has no ${String(what)} to vary`).toBe(false);
  return varied;
}

describe('a recorded history', () => {
  it('is there for each path', () => {
    expect(recorded.sort()).toEqual(Object.keys(PATHS).sort());
  });

  it.each(recorded)('of %s is replayed by the workflow as it is now', async (path) => {
    await expect(replay(path)).resolves.toBeUndefined();
  });
});

describe('the replay check', () => {
  it.each([
    [
      'starts a timer more',
      'const { row, contract } = await',
      'setTimeout(() => undefined, 1000); const { row, contract } = await',
    ],
    ['runs the backends in another order', /effects\.map\((run\d*)\)/g, '[...effects].reverse().map($1)'],
    [
      'does not read the registry row first',
      /const \{ row, contract \} = await [^;]+openAttempt\)\(node_id\)/,
      'const { row, contract } = carried ?? await new Promise(() => undefined)',
    ],
  ])('fails for a workflow that %s', async (_, what, by) => {
    await expect(replay('happy-path', variant(what, by))).rejects.toThrow(DeterminismViolationError);
  });

  it('passes for a workflow that only words its journal anew', async () => {
    await expect(
      replay('happy-path', variant('`published ${answer.types', '`sent ${answer.types')),
    ).resolves.toBeUndefined();
  });
});
