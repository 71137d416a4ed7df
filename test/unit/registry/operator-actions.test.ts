import { expect, it } from 'vitest';
import {
  beginAction,
  endAction,
  readActions,
  type AskedAction,
  type KeptAction,
} from '../../../src/registry/operator-actions.js';
import type { Sql } from '../../../src/registry/pool.js';

const ASKED: AskedAction = { who: 'ada', why: "it's back; drop table x", action: 'retry', node_id: 'node-1' };

/** A database that keeps each statement, blanks made one, with its values, and answers these rows. */
function database(rows: readonly object[] = []) {
  const sent: { text: string; values: readonly unknown[] }[] = [];
  const query = (text: string, values: readonly unknown[]) => {
    sent.push({ text: text.replaceAll(/\s+/g, ' '), values });
    return Promise.resolve({ rows });
  };
  return { sql: { query } as unknown as Sql, sent };
}

it('writes who, why, what and which node down as values, never as text of the statement', async () => {
  const { sql, sent } = database([{ id: 7 }]);
  expect(await beginAction(sql, ASKED)).toBe(7);
  expect(sent).toEqual([
    {
      text: 'insert into operator_actions (who, why, action, node_id) values ($1, $2, $3, $4) returning id',
      values: ['ada', "it's back; drop table x", 'retry', 'node-1'],
    },
  ]);
});

it('keeps null where nobody said why, and where it is about no node', async () => {
  const { sql, sent } = database([{ id: 8 }]);
  await beginAction(sql, { who: 'ada', why: null, action: 'release self-preservation', node_id: null });
  expect(sent.map(({ values }) => values)).toEqual([['ada', null, 'release self-preservation', null]]);
});

it('writes what became of an action to that action alone', async () => {
  const { sql, sent } = database();
  await endAction(sql, 7, { outcome: 'no such node', refused: true });
  await endAction(sql, 8, { outcome: 'released', refused: false });
  const text = 'update operator_actions set outcome = $2, refused = $3 where id = $1';
  expect(sent).toEqual([
    { text, values: [7, 'no such node', true] },
    { text, values: [8, 'released', false] },
  ]);
});

it('reads the newest actions of one node, or of all, as many as are wanted', async () => {
  const kept: readonly KeptAction[] = [
    { ...ASKED, id: 9, at: '2026-11-25T20:00:01.000Z', outcome: null, refused: null },
    { ...ASKED, id: 7, at: '2026-11-25T20:00:00.000Z', outcome: 'attempt 2 begins', refused: false },
  ];
  const { sql, sent } = database(kept);
  expect(await readActions(sql, 'node-1', 20)).toEqual(kept);
  expect(await readActions(sql, null, 50)).toEqual(kept);
  const text =
    'select id, at, who, why, action, node_id, outcome, refused from operator_actions ' +
    'where $1::text is null or node_id = $1 order by id desc limit $2';
  expect(sent).toEqual([
    { text, values: ['node-1', 20] },
    { text, values: [null, 50] },
  ]);
});

it('fails with the words of the database, so that no action begins unwritten', async () => {
  const sql = { query: () => Promise.reject(new Error('the disk is full')) } as unknown as Sql;
  await expect(beginAction(sql, ASKED)).rejects.toThrow('the disk is full');
  await expect(endAction(sql, 7, { outcome: 'done', refused: false })).rejects.toThrow('the disk is full');
  await expect(readActions(sql, null, 1)).rejects.toThrow('the disk is full');
});
