import { describe, expect, it } from 'vitest';
import { look } from '../../../../src/bridge/reconciliation/look.js';
import { row, worldOfBoth, type WorldOfBoth } from './world.js';

const never = new AbortController().signal;
const many = (count: number): string[] => Array.from({ length: count }, (_, n) => `n-${String(n).padStart(4, '0')}`);

/** What a look finds: each difference with its kind. */
async function found(both: WorldOfBoth) {
  const world = worldOfBoth(both);
  const { differences, ...counts } = await look(world.compared, never);
  return { ...world, ...counts, differences: differences.map(({ node_id, kind }) => `${node_id} ${kind}`) };
}

describe('a look at Consul and the registry', () => {
  it('finds nothing where they agree, and counts both', async () => {
    const shown = ['a', 'b'].map((node_id) => ({ node_id }));
    expect(await found({ lasting: [row('a'), row('b')], shown })).toMatchObject({
      rows: 2,
      entries: 2,
      differences: [],
    });
  });

  it('knows a node by its name in Consul, whose case Consul ignores', async () => {
    expect(await found({ lasting: [row('ABC')], shown: [{ node_id: 'ABC' }] })).toMatchObject({ differences: [] });
  });

  it('finds who is missing, who is left over, who has a lease alone, and what differs', async () => {
    const { differences } = await found({
      lasting: [row('a'), row('b')],
      leases: ['lost'],
      rows: [{ node_id: 'ended', attempt: 1, ended_at: '2026-01-31T12:00:00.000Z' }],
      shown: [{ node_id: 'b', attempt: 3 }, { node_id: 'ended' }, { node_id: 'stranger' }],
    });
    expect(differences).toEqual(['a not_in_consul', 'b other_data', 'lost no_row', 'ended ended', 'stranger no_row']);
  });

  it('sees nothing of another environment: a node of the same id there is neither this one nor left over', async () => {
    const shown = [
      { node_id: 'a', environment: 'prod' },
      { node_id: 'stranger', environment: 'prod' },
    ];
    expect(await found({ lasting: [row('a')], shown })).toMatchObject({
      entries: 0,
      differences: ['a not_in_consul'],
    });
  });

  it('finds a node by an entry that names no environment', async () => {
    const shown = [{ node_id: 'a', environment: null }];
    expect((await found({ lasting: [row('a')], shown })).differences).toEqual([]);
  });

  it('leaves an entry alone that names neither an environment nor a node of the registry', async () => {
    const shown = [
      { node_id: 'a', environment: null },
      { node_id: 'b', environment: null, isNameless: true },
    ];
    expect(await found({ shown })).toMatchObject({ entries: 0, differences: [] });
  });

  it('asks for no row of an entry that does not say whose it is', async () => {
    const { differences, database } = await found({ shown: [{ node_id: 'a', isNameless: true }] });
    expect(differences).toEqual(['onex-a no_row']);
    expect(database.askedFor('rows')).toEqual([]);
  });

  it('compares all else where Temporal cannot be asked for stuck runs', async () => {
    const stuck = new Error('TemporalReportedProblems is not a search attribute');
    expect(await look(worldOfBoth({ lasting: [row('a')], stuck }).compared, never)).toMatchObject({
      differences: [{ node_id: 'a', kind: 'not_in_consul' }],
      runs_failure: 'TemporalReportedProblems is not a search attribute',
    });
  });

  it('stops where it is to stop while Temporal is asked', async () => {
    const { compared } = worldOfBoth({ lasting: [row('a')] });
    const stopping = new AbortController();
    const stuckRuns = () => {
      stopping.abort(new Error('stops'));
      return Promise.reject(new Error('cancelled'));
    };
    await expect(look({ ...compared, stuckRuns }, stopping.signal)).rejects.toThrow('stops');
  });

  it('finds a run that cannot go on, and nothing else of its node: only its run could mend that', async () => {
    const stuck = [
      { node_id: 'a', run_id: 'r-1', failure: 'reading map' },
      { node_id: 'gone', run_id: 'r-2', failure: 'reading map' },
    ];
    const world = worldOfBoth({ lasting: [row('a'), row('b')], stuck });
    const { differences } = await look(world.compared, never);
    const what = 'the worker cannot go on with the history of its run: reading map';
    expect(differences).toMatchObject([
      { node_id: 'a', kind: 'stuck_run', what, mend: 'replace', node: row('a'), run: { run_id: 'r-1' } },
      { node_id: 'b', kind: 'not_in_consul' },
      { node_id: 'gone', kind: 'stuck_run', node: null, run: { run_id: 'r-2' } },
    ]);
  });

  it('counts a node with a lease alone once, as Consul shows it', async () => {
    const world = worldOfBoth({ leases: ['lost'], shown: [{ node_id: 'lost', attempt: 4 }] });
    const { differences } = await look(world.compared, never);
    expect(differences).toMatchObject([{ node_id: 'lost', kind: 'no_row', entry: { attempt: 4 } }]);
  });

  it('leaves a node alone that came back between the two questions', async () => {
    const back = { node_id: 'a', attempt: 1, ended_at: null };
    expect(await found({ rows: [back], shown: [{ node_id: 'a' }] })).toMatchObject({ differences: [] });
  });

  it('takes the attempt that a row ended with: a later one in Consul is a run of its own', async () => {
    const ended = { node_id: 'a', attempt: 1, ended_at: '2026-01-31T12:00:00.000Z' };
    expect(await found({ rows: [ended], shown: [{ node_id: 'a', attempt: 2 }] })).toMatchObject({
      differences: ['a no_row'],
    });
  });

  it('counts the nodes of its own environment only', async () => {
    const shown = [{ node_id: 'a' }, { node_id: 'b', environment: 'prod' }];
    expect(await found({ lasting: [row('a')], shown })).toMatchObject({ entries: 1, differences: [] });
  });

  it.each([
    [499, ['']],
    [500, ['', 'n-0499']],
    [1_100, ['', 'n-0499', 'n-0999']],
  ])('reads %i rows page after page', async (count, pages) => {
    const { rows, differences, database } = await found({ lasting: many(count).map((node_id) => row(node_id)) });
    expect([rows, differences.length]).toEqual([count, count]);
    expect(database.askedFor('lasting').map(([after]) => after)).toEqual(pages);
  });

  it('asks for the rows of what is left over page after page', async () => {
    const { differences, database } = await found({ shown: many(1_100).map((node_id) => ({ node_id })) });
    expect(differences).toHaveLength(1_100);
    expect(database.askedFor('rows').map(([ids]) => (ids as string[]).length)).toEqual([500, 500, 100]);
  });

  it('asks for no rows where nothing is left over', async () => {
    const { database } = await found({ lasting: [row('a')], shown: [{ node_id: 'a' }] });
    expect(database.askedFor('rows')).toEqual([]);
  });

  it.each<[string, WorldOfBoth, 'lasting' | 'rows']>([
    ['rows', { lasting: many(600).map((node_id) => row(node_id)) }, 'lasting'],
    ['what is left over', { shown: many(600).map((node_id) => ({ node_id })) }, 'rows'],
  ])('ends between two pages of %s when it is stopped', async (_, both, statement) => {
    const { compared, database } = worldOfBoth(both);
    const stop = new AbortController();
    const query = compared.pool.query.bind(compared.pool) as (text: string, values: unknown[]) => Promise<unknown>;
    const stopping = async (text: string, values: unknown[]): Promise<unknown> => {
      const answer = await query(text, values);
      if (database.askedFor(statement).length === 1) stop.abort(new Error('stopping'));
      return answer;
    };
    const pool = { ...compared.pool, query: stopping } as unknown as typeof compared.pool;
    await expect(look({ ...compared, pool }, stop.signal)).rejects.toThrow('stopping');
    expect(database.askedFor(statement)).toHaveLength(1);
  });
});
