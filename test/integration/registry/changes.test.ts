import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { loadContracts } from '../../../src/contracts/load.js';
import { inTransaction, type Sql } from '../../../src/registry/pool.js';
import { purgeEnded } from '../../../src/registry/rows/purge-ended.js';
import { tagsSql } from '../../../src/registry/rows/listed-node.js';
import { pageNodes, type NodeFilter } from '../../../src/registry/rows/page-nodes.js';
import {
  BEFORE_ALL_CHANGES,
  readChanges,
  readChangesEnd,
  type ChangesPlace,
} from '../../../src/registry/rows/read-changes.js';
import { upsertRegistration } from '../../../src/registry/rows/upsert-registration.js';
import type { UpsertPayload } from '../../../src/protocol/intents.js';
import { openDatabase } from './database.js';
import { CONTRACT, INTROSPECTED } from './requests.js';

let pool: Pool;
let drop: () => Promise<void>;
beforeAll(async () => ({ pool, drop } = await openDatabase('changes')));
afterAll(() => drop());
beforeEach(() => pool.query('truncate node_registrations, node_changes'));

const tags = tagsSql(['node_type:{node_type}', '{capabilities}']);

function row(node_id: string, changes: Partial<UpsertPayload> = {}): UpsertPayload {
  return {
    node_id,
    node_type: 'effect',
    node_version: '1.2.3',
    endpoints: { api: 'http://10.0.0.9:8080/' },
    correlation_id: 'c-1',
    capabilities: ['mail.send'],
    epoch: null,
    introspected_at: INTROSPECTED,
    contract_version: CONTRACT,
    state: 'ACTIVE',
    reducer_status: 'complete',
    ...changes,
  };
}

const put = (node_id: string, changes?: Partial<UpsertPayload>, attempt = 1, sql: Sql = pool) =>
  upsertRegistration(sql, attempt, row(node_id, changes));

/** A program that follows the changes: what it reads, and from where it goes on. */
function reader(limit = 100) {
  let place: ChangesPlace = BEFORE_ALL_CHANGES;
  return async (): Promise<string[]> => {
    const { before } = await readChangesEnd(pool);
    const found = await readChanges(pool, { after: place, before, limit, tags });
    place = found.length < limit ? { transaction: before, node_id: '' } : (found.at(-1)?.place ?? place);
    return found.map(({ place: { node_id }, node }) => (node === null ? `-${node_id}` : `${node_id} ${node.state}`));
  };
}

describe('changes', () => {
  test('are read once, in the order in which they were made', async () => {
    const read = reader();
    await put('b');
    await put('a');
    expect(await read()).toEqual(['b ACTIVE', 'a ACTIVE']);
    expect(await read()).toEqual([]);
    await put('b', { state: 'DRAINING' }, 2);
    expect(await read()).toEqual(['b DRAINING']);
  });

  test('are not passed over when a transaction commits late: the reader waits for it', async () => {
    const read = reader();
    await inTransaction(pool, async (late) => {
      await put('late', {}, 1, late);
      await put('early');
      expect(await read()).toEqual([]);
    });
    expect(await read()).toEqual(['late ACTIVE', 'early ACTIVE']);
  });

  test('are not what a transaction did that was rolled back, and those after it are read', async () => {
    const read = reader();
    await inTransaction(pool, async (lost) => {
      await put('lost', {}, 1, lost);
      throw new Error('rolled back');
    }).catch(() => undefined);
    await put('kept');
    expect(await read()).toEqual(['kept ACTIVE']);
  });

  test('are pages for who is far behind, and one transaction may be several of them', async () => {
    const read = reader(2);
    await inTransaction(pool, async (sql) => {
      for (const id of ['a', 'b', 'c']) await put(id, {}, 1, sql);
    });
    await put('d');
    expect([await read(), await read(), await read()]).toEqual([
      ['a ACTIVE', 'b ACTIVE'],
      ['c ACTIVE', 'd ACTIVE'],
      [],
    ]);
  });

  test('are no fenced writes: a lower attempt leaves the row, and is no change', async () => {
    const read = reader();
    await put('a', {}, 3);
    await read();
    await put('a', { state: 'OLD' }, 2);
    expect(await read()).toEqual([]);
  });

  test('say that a row was deleted, for as long as ended rows are kept', async () => {
    const read = reader();
    await put('a');
    await pool.query("update node_registrations set ended_at = now() - interval '1 hour'");
    await read();
    await purgeEnded(pool, { ended_seconds: 60, limit: 10 });
    expect(await read()).toEqual(['-a']);
    await put('a');
    expect(await read()).toEqual(['a ACTIVE']);
    await pool.query('delete from node_registrations');
    await pool.query("update node_changes set removed_at = now() - interval '1 hour'");
    await purgeEnded(pool, { ended_seconds: 60, limit: 10 });
    expect((await pool.query('select from node_changes')).rowCount).toBe(0);
  });

  test('can be read by a role that may only read the tables', async () => {
    const role = `reader_${randomUUID().slice(0, 8)}`;
    await put('a');
    await inTransaction(pool, async (sql) => {
      await sql.query(`create role ${role}; grant select on node_registrations, node_changes to ${role}`);
      await sql.query(`set local role ${role}`);
      const { before, origin } = await readChangesEnd(sql);
      expect(origin).toMatch(/^\d+-\d+$/);
      expect(await readChanges(sql, { after: BEFORE_ALL_CHANGES, before, limit: 10, tags })).toHaveLength(1);
      throw new Error('the role goes with the transaction');
    }).catch((error: Error) => expect(error.message).toBe('the role goes with the transaction'));
  });
});

describe('pages of nodes', () => {
  const ids = async (filter: NodeFilter, after = '', limit = 10) =>
    (await pageNodes(pool, filter, { after, limit, tags })).map(({ node_id }) => node_id);

  beforeEach(async () => {
    await put('a', { capabilities: ['mail.send', 'mail.read'] });
    await put('b', { node_type: 'compute' });
    await put('c', { state: 'PENDING_REGISTRATION', capabilities: [] });
    await put('d');
    await pool.query("update node_registrations set ended_at = now() where node_id = 'd'");
  });

  test('follow each other by the last id', async () => {
    expect([await ids({}, '', 3), await ids({}, 'c', 3)]).toEqual([['a', 'b', 'c'], ['d']]);
  });

  test.each<[string, NodeFilter, string[]]>([
    ['one type', { node_type: 'compute' }, ['b']],
    ['some states', { states: ['PENDING_REGISTRATION'] }, ['c']],
    ['attempts that last', { ended: false }, ['a', 'b', 'c']],
    ['attempts that have ended', { ended: true }, ['d']],
    ['a capability', { capabilities: ['mail.send'] }, ['a', 'b', 'd']],
    ['every capability that is named', { capabilities: ['mail.send', 'mail.read'] }, ['a']],
    ['a tag that is made of the type', { tags: ['node_type:effect'] }, ['a', 'c', 'd']],
    ['a tag that is a capability, too', { tags: ['node_type:effect', 'mail.send'] }, ['a', 'd']],
    ['nothing that is there', { tags: ["'; drop table node_registrations; --"] }, []],
  ])('have only nodes with %s', async (_, filter, found) => expect(await ids(filter)).toEqual(found));

  test('carry the tags that the shipped contract gives them in Consul', async () => {
    const shipped = Object.values(loadContracts().compiled.intents).flatMap(({ payload }) => payload['tags'] ?? []);
    const [first] = await pageNodes(pool, {}, { after: '', limit: 1, tags: tagsSql(shipped.slice(0, 2)) });
    expect(first?.tags).toEqual(['node_type:effect', 'mail.send', 'mail.read']);
  });

  test('carry tags of other makes, quoted as they are, without those that no row can fill', async () => {
    const made = tagsSql(["it's {node_version}", 'attempt {attempt}', '{node_id}-{node_type}', 7, '{reason}']);
    const [first] = await pageNodes(pool, {}, { after: '', limit: 1, tags: made });
    expect(first?.tags).toEqual(["it's 1.2.3", 'a-effect']);
    expect((await pageNodes(pool, {}, { after: '', limit: 1, tags: tagsSql([]) }))[0]?.tags).toEqual([]);
  });
});
