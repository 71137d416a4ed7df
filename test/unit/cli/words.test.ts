import pc from 'picocolors';
import { describe, expect, test } from 'vitest';
import { CliError, EXIT } from '../../../src/cli/terminal/exit-codes.js';
import { explainError } from '../../../src/cli/terminal/errors.js';
import { pendingSentence, type NodeReport } from '../../../src/cli/status/explain-node.js';
import { fleetText, type FleetList, type ListedNode } from '../../../src/cli/list/fleet-list.js';
import { clock, columns, counted, duration, facts, since, span } from '../../../src/cli/terminal/format.js';
import { command, commandName } from '../../../src/cli/terminal/invocation.js';
import { percentile } from '../../../src/cli/terminal/percentiles.js';
import { reportText } from '../../../src/cli/status/report-text.js';

/** What is read on a terminal, without its colours. */
const plain = (text: string): string => text.replace(/\u001b\[\d+m/g, '');

describe('durations', () => {
  test.each([
    [-5, '0 s'],
    [999, '0 s'],
    [59_999, '59 s'],
    [60_000, '1 min'],
    [3_599_000, '59 min'],
    [3_660_000, '1 h 01 min'],
    [48 * 3_600_000, '2 d'],
  ])('%i ms is %s', (milliseconds, text) => expect(duration(milliseconds)).toBe(text));

  test('since when, where that is known', () => {
    expect(since('2026-01-31T12:00:00.000Z', Date.parse('2026-01-31T12:00:12.900Z'))).toBe('12 s');
    expect(since(null)).toBe('-');
  });

  test('spans are short', () => {
    expect(span(35.4)).toBe('+35 ms');
    expect(span(1_240)).toBe('+1.24 s');
  });

  test('a clock shows local time with milliseconds', () => {
    expect(clock(new Date(2026, 0, 31, 9, 5, 7, 42).toISOString())).toBe('09:05:07.042');
  });
});

describe('percentiles', () => {
  test('are values that were measured', () => {
    const values = [40, 10, 30, 20];
    expect(percentile(values, 50)).toBe(20);
    expect(percentile(values, 99)).toBe(40);
    expect(percentile(values, 0)).toBe(10);
    expect(percentile([7], 50)).toBe(7);
    expect(values).toEqual([40, 10, 30, 20]);
  });

  test('of nothing are nothing', () => expect(percentile([], 50)).toBeNull());
});

describe('tables', () => {
  test('have their columns below each other and no trailing blanks', () => {
    const lines = plain(
      columns(
        ['NODE', 'STATE'],
        [
          ['a', 'ACTIVE'],
          ['longer', ''],
        ],
      ),
    ).split('\n');
    expect(lines).toEqual(['NODE    STATE', 'a       ACTIVE', 'longer']);
  });

  test('align coloured cells as if they had no colour', () => {
    const { green } = pc.createColors(true);
    expect(
      plain(
        columns(
          ['A', 'B'],
          [
            [green('x'), '1'],
            ['yy', '2'],
          ],
        ),
      )
        .split('\n')
        .map((line) => line.indexOf(line.trim().slice(-1))),
    ).toEqual([4, 4, 4]);
  });

  test('facts leave out what is not known', () => {
    expect(
      plain(
        facts([
          ['node', 'effect'],
          ['ended', null],
          ['attempt', '1'],
        ]),
      ),
    ).toBe('node     effect\nattempt  1');
  });

  test('counts have their plural', () => {
    expect([counted(1, 'node'), counted(0, 'node'), counted(2, 'entry', 'entries')]).toEqual([
      '1 node',
      '0 nodes',
      '2 entries',
    ]);
  });
});

describe('errors', () => {
  const named = (name: string, message: string): Error => Object.assign(new Error(message), { name });

  test.each([
    [new CliError('m', EXIT.notFound, { hint: 'h' }), EXIT.notFound, 'm', 'h'],
    [named('ConfigError', 'KAFKA_BROKERS: …'), EXIT.usage, 'KAFKA_BROKERS: …', undefined],
    [named('StackError', 'java is missing'), EXIT.failed, 'java is missing', undefined],
  ])('%s', (error, exitCode, message, hint) => expect(explainError(error)).toEqual({ message, hint, exitCode }));

  test('contracts are named with their lines', () => {
    const { message, exitCode } = explainError(named('ContractError', 'contract.yaml:3:1: unknown state'));
    expect(message).toContain('contract.yaml:3:1: unknown state');
    expect(exitCode).toBe(EXIT.failed);
  });

  test('what nobody foresaw says how to see more', () => {
    const { message, hint, exitCode } = explainError(new TypeError('x is not a function'));
    expect(message).toContain('x is not a function');
    expect(hint).toContain('LOG_LEVEL=debug');
    expect(exitCode).toBe(EXIT.failed);
    expect(explainError('a string').message).toContain('a string');
  });
});

describe('commands in messages', () => {
  test('can be typed as they stand', () => {
    expect(commandName({ npm_lifecycle_event: 'demo' })).toBe('npm run registrar --');
    expect(commandName({})).toBe('registrar');
    expect(command('ack node-1')).toMatch(/registrar.* ack node-1$/);
  });
});

describe('a node explained', () => {
  test('a retry says which try, why not yet, and when again', () => {
    const pending = {
      activity: 'consul.register',
      attempt: 4,
      last_failure: 'connect ECONNREFUSED 127.0.0.1:8500',
      next_in_seconds: 8,
    };
    expect(pendingSentence(pending)).toBe(
      'consul.register: try 4, connect ECONNREFUSED 127.0.0.1:8500, next try in 8 s',
    );
    expect(pendingSentence({ ...pending, attempt: 1, last_failure: null, next_in_seconds: null })).toBe(
      'consul.register: try 1 under way',
    );
  });

  test('by its workflow', () => {
    const report: NodeReport = {
      source: 'workflow',
      node_id: 'node-1',
      run_id: 'r',
      state: 'AWAITING_ACK',
      line: 'AWAITING_ACK · ack round 1 of 3',
      registration: null,
      contract_version: '1.0.0+abc',
      pending: [{ activity: 'consul.register', attempt: 4, last_failure: 'refused', next_in_seconds: 8 }],
      journal: [{ at: '2026-01-31T12:00:00.000Z', what: 'attempt 1 begins' }],
      link: 'http://ui/registration%2Fnode-1',
      no_answer: null,
    };
    const text = plain(reportText(report));
    expect(text).toContain('node-1  AWAITING_ACK · ack round 1 of 3');
    expect(text).toContain('waits for  consul.register: try 4, refused, next try in 8 s');
    expect(text).toContain('attempt 1 begins');
    expect(text).toContain('http://ui/registration%2Fnode-1');
    expect(text).toMatch(/Acknowledge by hand: .*registrar.* ack node-1/);
  });

  test('by its dead letters', () => {
    const text = plain(
      reportText({
        source: 'dead-letters',
        node_id: 'node-1',
        topic: 't',
        complete: false,
        letters: [
          {
            at: '2026-01-31T12:00:00.000Z',
            reason: 'node_type: expected one of …',
            from: 'topic, partition 3, offset 7',
          },
        ],
      }),
    );
    expect(text).toContain('node_type: expected one of …');
    expect(text).toContain('partition 3, offset 7');
    expect(text).toContain('not all was read');
  });
});

describe('the fleet as a list', () => {
  const node: ListedNode = {
    node_id: 'a',
    node_type: 'effect',
    node_version: '1.0.0',
    state: 'ACTIVE',
    attempt: 2,
    since: '2026-01-31T12:00:00.000Z',
    reason: null,
    last_heartbeat_at: '2026-01-31T12:00:05.000Z',
    ended: false,
    recorded: true,
  };
  const list = (nodes: readonly ListedNode[], more: Partial<FleetList> = {}): FleetList => ({
    nodes,
    active: 1,
    ended: 1,
    on_the_way: 1,
    truncated: false,
    not_asked: null,
    ...more,
  });

  test('has a row a node, and counts', () => {
    const nodes = [
      node,
      {
        ...node,
        node_id: 'b',
        state: 'PENDING_REGISTRATION',
        attempt: null,
        node_version: null,
        last_heartbeat_at: null,
        recorded: false,
      },
      { ...node, node_id: 'c', state: 'DEREGISTERED', reason: 'the node left', ended: true },
    ];
    const text = plain(fleetText(list(nodes), Date.parse('2026-01-31T12:00:10.000Z')));
    expect(text).toMatch(/^a +effect +1\.0\.0 +ACTIVE +2 +10 s +5 s$/m);
    expect(text).toMatch(/^b +effect +- +PENDING_REGISTRATION +- +10 s +- +no record yet$/m);
    expect(text).toMatch(/^c .*DEREGISTERED.* the node left$/m);
    expect(text).toContain('3 nodes: 1 ACTIVE, 1 on the way, 1 ended');
  });

  test('says when there are more', () => expect(fleetText(list([node], { truncated: true }))).toContain('--limit'));
  test('may be empty', () =>
    expect(fleetText(list([], { active: 0, ended: 0, on_the_way: 0 }))).toBe(
      '0 nodes: 0 ACTIVE, 0 on the way, 0 ended',
    ));
});
