import pg from 'pg';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { keptInHistory } from '../../../src/cli/history.js';
import { CliError, EXIT } from '../../../src/cli/terminal/exit-codes.js';
import { loadConfig } from '../../../src/config/index.js';

/** What becomes of wishes: outcome, and whether it was refused. */
const outcomes: unknown[] = [];
beforeEach(() => {
  outcomes.length = 0;
  const answer = (statement: string, values: readonly unknown[] = []): unknown => {
    if (statement.startsWith('update operator_actions')) outcomes.push(values.slice(1));
    return Promise.resolve({ rows: [{ id: 1 }] });
  };
  vi.spyOn(pg.Pool.prototype, 'query').mockImplementation(answer);
});
afterEach(() => {
  vi.restoreAllMocks();
});

const asked = { who: 'ada', why: null, action: 'retry', node_id: 'node-1' } as const;

it.each([
  ['that was refused', new CliError('Node node-1 is banned.', EXIT.failed), true],
  ['that failed', new Error('Node node-1 is banned.'), true],
  [
    'that nobody has answered, and that may be done yet',
    new CliError('Node node-1 is banned.', EXIT.unreachable, { mayBeDoneYet: true }),
    null,
  ],
])('a wish %s stands in the history as that', async (_, error, refused) => {
  await expect(keptInHistory(loadConfig({}), asked, () => Promise.reject(error))).rejects.toBe(error);
  expect(outcomes).toEqual([['Node node-1 is banned.', refused]]);
});

it('a wish that was done stands in the history with what became of it', async () => {
  await keptInHistory(loadConfig({}), asked, () => Promise.resolve('It is ACTIVE.'));
  expect(outcomes).toEqual([['It is ACTIVE.', false]]);
});
