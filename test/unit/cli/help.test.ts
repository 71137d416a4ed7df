import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { EXIT } from '../../../src/cli/terminal/exit-codes.js';
import { createProgram, runCommandLine } from '../../../src/cli/main.js';

let directory: string;
let errors: string[];
let output: string[];

beforeEach(() => {
  errors = [];
  output = [];
  const keep = (where: string[]) => (text: unknown) => {
    where.push(String(text));
    return true;
  };
  vi.spyOn(process.stderr, 'write').mockImplementation(keep(errors));
  vi.spyOn(process.stdout, 'write').mockImplementation(keep(output));
  for (const name of ['TEMPORAL_ADDRESS', 'KAFKA_BROKERS', 'CONSUL_HTTP_ADDR', 'DATABASE_URL']) vi.stubEnv(name, '');
  directory = mkdtempSync(join(tmpdir(), 'node-registrar-cli-'));
  vi.stubEnv('REGISTRAR_DATA_DIR', join(directory, 'nothing'));
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  rmSync(directory, { recursive: true });
});

const registrar = (...args: string[]) => runCommandLine(['node', 'registrar', ...args]);

describe('help', () => {
  const names = createProgram().commands.map((command) => command.name());

  test('knows every command of the registrar', () => {
    expect(names).toEqual(
      expect.arrayContaining([
        'ack',
        'bridge',
        'demo',
        'doctor',
        'list',
        'node',
        'reconcile',
        'retry',
        'setup',
        'start',
        'status',
        'stop',
        'up',
        'wipe',
        'worker',
      ]),
    );
  });

  test('shows every command with an example', async () => {
    expect(await registrar('--help')).toBe(EXIT.ok);
    const text = output.join('');
    for (const name of names) {
      expect(text).toMatch(new RegExp(`^  ${name}\\b`, 'm'));
      expect(text).toMatch(new RegExp(`^  \\$ registrar ${name}\\b.*# `, 'm'));
    }
    expect(text).toContain('Exit codes:');
  });

  test.each(names)('of %s has a description, examples and the exit codes', async (name) => {
    expect(await registrar(name, '--help')).toBe(EXIT.ok);
    const text = output.join('');
    expect(text).toMatch(new RegExp(`^  \\$ .*registrar ${name}`, 'm'));
    expect(text).toMatch(/3 {4}not found/);
    expect(text).toMatch(/4 {4}a server cannot be reached/);
  });
});

describe('wrong usage is named, with exit code 2', () => {
  const wrong: readonly { readonly args: readonly string[]; readonly says: RegExp }[] = [
    { args: [], says: /Usage: registrar/ },
    { args: ['stats'], says: /unknown command 'stats'[^]*Did you mean (status|start)/ },
    { args: ['status'], says: /missing required argument 'node_id'/ },
    { args: ['status', 'a node'], says: /1 to 128 letters, digits/ },
    { args: ['ack', '../etc'], says: /1 to 128 letters, digits/ },
    { args: ['demo', '--nodes', '0'], says: /whole number from 1/ },
    { args: ['demo', '--nodes', '2.5'], says: /whole number from 1/ },
    { args: ['demo', '--timeout', 'soon'], says: /whole number from 1/ },
    { args: ['node', '--type', 'gateway'], says: /Allowed choices are effect, reducer, orchestrator, compute/ },
    { args: ['node', '--endpoint', 'http://10.0.0.7'], says: /name=url/ },
    { args: ['node', '--version', 'new'], says: /node_version/ },
    { args: ['stop', 'redis'], says: /Allowed choices are temporal, kafka, consul, postgres/ },
    { args: ['list', '--type', 'x'], says: /Allowed choices are effect/ },
    { args: ['list', '--state', 'SLEEPING'], says: /'SLEEPING' is no state of the contract[^]*AWAITING_ACK/ },
    { args: ['list', '--colour'], says: /unknown option '--colour'/ },
  ];

  test.each(wrong)('$args', async ({ args, says }) => {
    expect(await registrar(...args)).toBe(EXIT.usage);
    expect(errors.join('')).toMatch(says);
    expect(errors.join('')).not.toMatch(/^\s+at .*:\d+/m);
  });

  test('a variable that cannot be used', async () => {
    vi.stubEnv('KAFKA_BROKERS', 'kafka');
    expect(await registrar('list')).toBe(EXIT.usage);
    expect(errors.join('')).toContain("KAFKA_BROKERS: 'kafka' is not host:port");
  });

  test('wiping without a terminal and without --yes', async () => {
    expect(await registrar('wipe')).toBe(EXIT.usage);
    expect(errors.join('')).toContain('Give --yes.');
  });
});

describe('without servers', () => {
  test('stop and start say that none run, and how to start them', async () => {
    expect(await registrar('stop', 'consul')).toBe(EXIT.unreachable);
    expect(errors.join('')).toMatch(/No servers of ours run on .*consul cannot be stopped[^]*registrar up/);
  });

  test('wipe has nothing to remove', async () => {
    expect(await registrar('wipe', '--yes')).toBe(EXIT.ok);
    expect(output.join('')).toContain('There was nothing');
  });

  test('status, list and ack name the server that does not answer, and what to do', async () => {
    // A port on which nobody listens.
    vi.stubEnv('TEMPORAL_ADDRESS', '127.0.0.1:1');
    vi.stubEnv('KAFKA_BROKERS', '127.0.0.1:1');
    vi.stubEnv('DATABASE_URL', 'postgresql://registrar@127.0.0.1:1/registrar');
    for (const [command, server] of [
      ['status', 'Temporal'],
      ['list', 'PostgreSQL'],
      ['ack', 'Temporal'],
    ] as const) {
      errors.length = 0;
      expect(await registrar(command, ...(command === 'list' ? [] : ['node-1']))).toBe(EXIT.unreachable);
      expect(errors.join('')).toMatch(new RegExp(`${server} at 127.0.0.1:1.* does not answer`));
      expect(errors.join('')).toMatch(/comes from the environment/);
    }
  });

  test('doctor finds every one of them, says what to do, and changes nothing', async () => {
    vi.stubEnv('TEMPORAL_ADDRESS', '127.0.0.1:1');
    vi.stubEnv('KAFKA_BROKERS', '127.0.0.1:1');
    vi.stubEnv('CONSUL_HTTP_ADDR', '127.0.0.1:1');
    vi.stubEnv('DATABASE_URL', 'postgresql://registrar:secret@127.0.0.1:1/registrar');
    expect(await registrar('doctor', '--json')).toBe(EXIT.unreachable);
    process.exitCode = undefined;
    const { ok, checks } = JSON.parse(output.join('')) as {
      ok: boolean;
      checks: { about: string; ok: boolean; found: string; todo: string | null }[];
    };
    expect(ok).toBe(false);
    expect(checks.filter((check) => !check.ok).map(({ about }) => about)).toEqual([
      'temporal',
      'kafka',
      'consul',
      'postgres',
    ]);
    for (const check of checks.filter((one) => !one.ok)) expect(check.todo).toMatch(/environment/);
    expect(output.join('')).not.toContain('secret');
  });
});
