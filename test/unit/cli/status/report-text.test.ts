import { describe, expect, test } from 'vitest';
import { SHIPPED_CONTRACTS, loadContracts } from '../../../../src/contracts/load.js';
import type { NodeReport } from '../../../../src/cli/status/explain-node.js';
import type { RegistryRow } from '../../../../src/registry/rows/read-registry-row.js';
import { keyText, nodeLettersText, reportText } from '../../../../src/cli/status/report-text.js';

const contract = loadContracts(SHIPPED_CONTRACTS).compiled;

/** What is read on a terminal, without its colours. */
const plain = (text: string): string => text.replace(/\u001b\[\d+m/g, '');

describe('a node explained', () => {
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
      journal: [{ at: '2026-01-31T12:00:00.000Z', what: `registration attempt 1 begins${' and begins'.repeat(40)}` }],
      link: 'http://ui/registration%2Fnode-1',
      no_answer: null,
      lease: null,
    };
    const text = plain(reportText(report, contract));
    expect(text).toMatch(/^node-1  AWAITING_ACK\n\n/);
    expect(text).toContain('has failed 3 times, and try 4 is under way; the last error was: refused');
    expect(text).toMatch(/ {2}registration attempt 1 begins and .* and …\n/);
    expect(text).toContain('http://ui/registration%2Fnode-1');
    expect(text).toMatch(/Acknowledge by hand: .*registrar.* ack node-1/);
  });

  test('by its registry row: how the attempt ended, and what begins another one', () => {
    const row = {
      node_id: 'node-1',
      node_type: 'effect',
      node_version: '1.2.3',
      state: 'REJECTED',
      reducer_status: 'failed',
      attempt: 4,
      reason: `refused: ${'no '.repeat(200)}`,
      state_since: '2026-01-31T12:00:00.000Z',
      ended_at: '2026-01-31T12:00:00.000Z',
      capabilities: [],
      endpoints: {},
    } as unknown as RegistryRow;
    const text = plain(reportText({ source: 'registry', node_id: 'node-1', row, link: null }, contract));
    expect(text).toMatch(
      /^node-1 {2}REJECTED\n\nIts registration attempt 4 ended \d+ d ago as REJECTED: refused: no .*…\n/,
    );
    expect(text).toMatch(/\nNext: its next startup begins attempt 5; so does: .*registrar.* retry node-1\n/);
    const banned = plain(
      reportText({ source: 'registry', node_id: 'node-1', row, link: null }, contract, { isBanned: true }),
    );
    expect(banned).toContain('\nNext: nothing while its ban lasts, since what it sends is rejected.\n');
    expect(banned).not.toContain('retry');
    const lost = plain(
      reportText({ source: 'registry', node_id: 'node-1', row: { ...row, ended_at: null }, link: null }, contract),
    );
    expect(lost).toContain('Its attempt has not ended, and no workflow carries it on.');
  });

  test('by its dead letters, whatever else is known', () => {
    expect(plain(reportText({ source: 'dead-letters', node_id: 'node-1' }, contract))).toBe(
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

  test('by its key, and by what came in its name that its key has not signed', () => {
    const key = {
      thumbprint: 'kPrK_qmx',
      bound_at: '2026-01-31T12:00:00.000Z',
      bound_by: 'first message',
      conflict: null,
      conflict_at: null,
    } as const;
    const bound = 'Key kPrK_qmx speaks for it since 2026-01-31T12:00:00.000Z (first message).';
    expect(plain(keyText('node-1', key))).toBe(bound);
    const conflict = { conflict: 'acks, refused: it has no signature', conflict_at: '2026-01-31T12:00:00.000Z' };
    expect(plain(keyText('node-1', { ...key, ...conflict }))).toMatch(
      /^Key .*\nconflict of keys \d+ d ago: acks, refused: it has no signature\. .*release-key node-1 --reason …'\.$/,
    );
  });
});
