import { describe, expect, test } from 'vitest';
import { SHIPPED_CONTRACTS, loadContracts } from '../../../../src/contracts/load.js';
import { pendingSentence, type NodeReport } from '../../../../src/cli/status/explain-node.js';
import { nodeLettersText, reportText } from '../../../../src/cli/status/report-text.js';
import { statesOf } from '../../../../src/cli/terminal/states.js';

const states = statesOf(loadContracts(SHIPPED_CONTRACTS).compiled);

/** What is read on a terminal, without its colours. */
const plain = (text: string): string => text.replace(/\u001b\[\d+m/g, '');

describe('a node explained', () => {
  test('a retry says which try, why not yet, and when again', () => {
    const pending = {
      activity: 'consul.register',
      attempt: 4,
      limit: null,
      failure: 'connect ECONNREFUSED 127.0.0.1:8500',
      next_at: 9_000,
      last_at: null,
      made: 3,
    };
    expect(pendingSentence(pending, 1_000)).toBe(
      'consul.register: try 4, connect ECONNREFUSED 127.0.0.1:8500, next try in 8 s',
    );
    expect(pendingSentence({ ...pending, attempt: 1, failure: null, next_at: null })).toBe(
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
      pending: [
        {
          activity: 'consul.register',
          attempt: 4,
          limit: null,
          failure: 'refused',
          next_at: null,
          last_at: null,
          made: 3,
        },
      ],
      journal: [{ at: '2026-01-31T12:00:00.000Z', what: 'registration attempt 1 begins' }],
      link: 'http://ui/registration%2Fnode-1',
      no_answer: null,
    };
    const text = plain(reportText(report, states));
    expect(text).toContain('node-1  AWAITING_ACK · ack round 1 of 3');
    expect(text).toContain('waits for  consul.register: try 4 under way, refused');
    expect(text).toContain('registration attempt 1 begins');
    expect(text).toContain('http://ui/registration%2Fnode-1');
    expect(text).toMatch(/Acknowledge by hand: .*registrar.* ack node-1/);
  });

  test('by its dead letters, whatever else is known', () => {
    expect(plain(reportText({ source: 'dead-letters', node_id: 'node-1' }, states))).toBe(
      'node-1  not understood: what it sent was put aside',
    );
    const text = plain(
      nodeLettersText({
        topic: 't',
        complete: false,
        more: 3,
        letters: [
          {
            id: '2-1047',
            at: '2026-01-31T12:00:00.000Z',
            code: 'invalid_field',
            reason: 'node_type: expected one of …',
            from: 'topic, partition 3, offset 7',
          },
        ],
      }),
    );
    for (const part of [
      '2-1047',
      'node_type: expected one of …',
      'partition 3, offset 7',
      '3 older',
      'not all was read',
    ])
      expect(text).toContain(part);
  });
});
