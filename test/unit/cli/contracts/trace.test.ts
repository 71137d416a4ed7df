import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Trace, traceLine, type TraceResult } from '../../../../src/cli/contracts/trace.js';
import { loadContracts } from '../../../../src/contracts/load.js';
import { PROGRAM } from '../../../integration/cli-process.js';
import { contractDirectory } from '../../contracts/contract-files.js';

const root = join(import.meta.dirname, '../../../..');

describe('a trace', () => {
  const run = (lines: readonly object[], under = loadContracts().compiled): TraceResult[] => {
    const trace = new Trace(under);
    return lines.map((line, index) =>
      trace.step(traceLine.parse({ at: new Date(Date.UTC(2026, 0, 1, 0, 0, index)).toISOString(), ...line })),
    );
  };
  const life = [
    { message: 'introspection', correlation_id: 'c-1' },
    { message: 'backend_ok', backend: 'consul' },
    { message: 'backend_ok', backend: 'postgres' },
    { message: 'ack' },
  ];

  it('shows a life from introspection to ACTIVE, with its events and intents', () => {
    expect(run(life)).toEqual([
      {
        reducer: 'pending',
        orchestrator: 'PENDING_REGISTRATION',
        attempt: 1,
        events: ['node-registration-initiated'],
        intents: ['consul.register', 'postgres.upsert_registration'],
      },
      { reducer: 'partial', orchestrator: 'PENDING_REGISTRATION', attempt: 1, events: [], intents: [] },
      {
        reducer: 'complete',
        orchestrator: 'AWAITING_ACK',
        attempt: 1,
        events: ['node-registration-accepted'],
        intents: [],
      },
      {
        reducer: 'complete',
        orchestrator: 'ACTIVE',
        attempt: 1,
        events: ['node-registration-ack-received', 'node-became-active'],
        intents: ['consul.pass', 'postgres.update_registration'],
      },
    ]);
  });

  it('fires the ack timer only once it is due, and ends after the last round', () => {
    const deadline = (time: string) => ({ message: 'deadline', at: time });
    const lines = [
      ...life.slice(0, 3),
      deadline('2026-01-01T00:00:31Z'),
      deadline('2026-01-01T00:00:32Z'),
      deadline('2026-01-01T00:01:02Z'),
      deadline('2026-01-01T00:01:32Z'),
    ];
    expect(
      run(lines)
        .slice(3)
        .map(({ orchestrator, events }) => [orchestrator, ...events]),
    ).toEqual([
      ['AWAITING_ACK'],
      ['AWAITING_ACK', 'node-registration-ack-timed-out', 'node-registration-accepted'],
      ['AWAITING_ACK', 'node-registration-ack-timed-out', 'node-registration-accepted'],
      ['ACK_TIMED_OUT', 'node-registration-ack-timed-out'],
    ]);
  });

  it('renews the lease with each heartbeat and expires it after lease duration and grace', () => {
    const lines = [
      ...life,
      { message: 'heartbeat', at: '2026-01-01T00:00:20Z' },
      { message: 'deadline', at: '2026-01-01T00:02:04Z' },
      { message: 'deadline', at: '2026-01-01T00:02:05Z' },
    ];
    expect(
      run(lines)
        .slice(5)
        .map(({ orchestrator }) => orchestrator),
    ).toEqual(['ACTIVE', 'LIVENESS_EXPIRED']);
  });

  it('is under the contract that it was given', () => {
    const strict = loadContracts(
      contractDirectory({
        orchestrator: 'admission:\n  - require: "node_version at_least 2.0.0"\n    reason: "too old"\n',
      }),
    ).compiled;
    expect(
      run(
        [
          { message: 'introspection', node_version: '1.9.9' },
          { message: 'introspection', node_version: '2.0.0' },
        ],
        strict,
      ),
    ).toMatchObject([
      {
        reducer: 'failed',
        orchestrator: 'REJECTED',
        attempt: 1,
        events: ['node-registration-initiated', 'node-registration-rejected'],
      },
      { reducer: 'pending', orchestrator: 'PENDING_REGISTRATION', attempt: 2 },
    ]);
  });

  it('of the example in docs/contracts.md is current', () => {
    const page = readFileSync(join(root, 'docs/contracts.md'), 'utf8');
    const lines = readFileSync(join(root, 'docs/examples/life.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    for (const result of run(lines)) expect(page).toContain(JSON.stringify(result));
  });

  it('on the command line reads JSON lines and says which line is none', () => {
    const input = [
      '{"at":"2026-01-01T00:00:00Z","message":"introspection"}',
      '{"at":"2026-01-01T00:00:00Z","message":"hello"}',
    ].join('\n');
    const { stdout, stderr, status } = spawnSync(process.execPath, [...PROGRAM, 'contracts', 'trace'], {
      cwd: root,
      input,
      encoding: 'utf8',
    });
    expect(stdout).toContain('"orchestrator":"PENDING_REGISTRATION"');
    expect([stderr, status]).toEqual([expect.stringMatching(/Line 2 is not a message/), 2]);
  });
});
