import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { spawnGuarded } from '../../../src/stack/guardian.js';
import { ManagedServer, type ServerExit } from '../../../src/stack/managed.js';
import { identify } from '../../../src/stack/state/processes.js';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'guardian-test-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

/** A shell command that writes its process id down and then runs what it is given. */
function command(script: string, graceSeconds = 5) {
  return {
    command: '/bin/sh',
    args: ['-c', `echo $$ > ${directory}/pid; ${script}`],
    env: process.env,
    cwd: directory,
    stopSignal: 'TERM' as const,
    graceSeconds,
  };
}

async function commandPid(): Promise<number> {
  await expect
    // A busy machine takes seconds to start a process.
    .poll(() => existsSync(join(directory, 'pid')) && readFileSync(join(directory, 'pid'), 'utf8'), { timeout: 20_000 })
    .toMatch(/^\d+\n$/);
  return Number(readFileSync(join(directory, 'pid'), 'utf8'));
}

const gone = (pid: number) => expect.poll(() => identify(pid), { timeout: 5000 }).toBeUndefined();

function start(script: string, graceSeconds?: number) {
  const log = openSync(join(directory, 'log'), 'a');
  const guarded = spawnGuarded(command(script, graceSeconds), log);
  closeSync(log);
  return guarded;
}

describe('a guarded command', () => {
  it('ends when it is stopped', async () => {
    const guarded = start('exec sleep 1000');
    const pid = await commandPid();
    await guarded.stop();
    expect(identify(pid)).toBeUndefined();
    expect(identify(guarded.pid)).toBeUndefined();
  });

  it('may end in good order first', async () => {
    const guarded = start(`trap 'echo bye > ${directory}/bye; exit 0' TERM; while :; do sleep 0.05; done`);
    await commandPid();
    await guarded.stop();
    expect(readFileSync(join(directory, 'bye'), 'utf8')).toBe('bye\n');
  });

  it('is killed when it does not listen', async () => {
    const guarded = start(`trap '' TERM; while :; do sleep 0.05; done`, 1);
    const pid = await commandPid();
    await guarded.stop();
    await gone(pid);
  });

  it('ends with its own exit code', async () => {
    expect(await start('exit 7').exited).toEqual({ code: 7, signal: null });
  });

  it('does not get a Ctrl-C that goes to our process group', async () => {
    const guarded = start('exec sleep 1000');
    const pid = await commandPid();
    const group = (id: number) => readFileSync(`/proc/${id}/stat`, 'utf8').split(') ')[1]?.split(' ')[2];
    expect(group(pid)).toBe(String(guarded.pid));
    expect(group(pid)).not.toBe(group(process.pid));
    await guarded.stop();
  });

  it('ends when its parent is killed with -9', async () => {
    const guardian = new URL('../../../src/stack/guardian.ts', import.meta.url).href;
    const code = `
      const { spawnGuarded } = await import(${JSON.stringify(guardian)});
      spawnGuarded({ ...${JSON.stringify({ ...command('exec sleep 1000'), env: {} })}, env: process.env }, 'pipe');
      setInterval(() => undefined, 1000);`;
    const parent = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code], {
      stdio: 'inherit',
    });
    const pid = await commandPid();
    expect(identify(pid)).toBeDefined();
    parent.kill('SIGKILL');
    await gone(pid);
  });
});

describe('a managed server', () => {
  const exits: ServerExit[] = [];

  function server(
    script: string,
    probe: () => Promise<void>,
    startWithinMs = 2000,
    signal = new AbortController().signal,
  ): ManagedServer {
    exits.length = 0;
    const runnable = {
      name: 'consul' as const,
      title: 'Consul',
      logFile: join(directory, 'logs', 'consul.log'),
      startWithinMs,
      signal,
      launch: () => Promise.resolve(command(script)),
      probe,
    };
    return new ManagedServer(
      runnable,
      () => undefined,
      (exit) => exits.push(exit),
    );
  }

  const healthy = async () => {
    await commandPid();
  };

  it('that does not become healthy fails with the end of its log, and is stopped', async () => {
    const sick = server('echo the port is taken; exec sleep 1000', () => Promise.reject(new Error('no leader')), 300);
    await expect(sick.start()).rejects.toThrow(
      /Consul did not answer within 0.3 s: no leader[^]*logs\/consul.log[^]*the port is taken/,
    );
    await gone(await commandPid());
    expect(sick.state).toBe('stopped');
  });

  it('that ends while it starts is not waited for', async () => {
    const dead = server('echo bad flag; exit 2', () => Promise.reject(new Error('no')), 60_000);
    await expect(dead.start()).rejects.toThrow(/Consul ended while it was starting[^]*bad flag/);
  });

  it('that is given up while it starts is stopped at once', async () => {
    const giveUp = new AbortController();
    const slow = server('exec sleep 1000', () => Promise.reject(new Error('not yet')), 60_000, giveUp.signal);
    const starting = slow.start();
    const pid = await commandPid();
    giveUp.abort(new Error('another server failed'));
    await expect(starting).rejects.toThrow('another server failed');
    expect(identify(pid)).toBeUndefined();
  });

  it('that ends by itself is reported once, and can be started again', async () => {
    const one = server('exec sleep 1000', healthy);
    await one.start();
    const pid = await commandPid();
    process.kill(pid, 'SIGKILL');
    await expect.poll(() => exits).toHaveLength(1);
    expect(exits[0]).toMatchObject({
      server: 'consul',
      summary: 'Consul was killed by signal 9 without being asked to.',
    });
    expect(one.state).toBe('exited');
    await one.start();
    expect(one.state).toBe('running');
    await one.stop();
    expect(exits).toHaveLength(1);
  });

  it('whose guardian is killed does not live on', async () => {
    const one = server('exec sleep 1000', healthy);
    await one.start();
    const pid = await commandPid();
    process.kill(one.guardian?.pid ?? 0, 'SIGKILL');
    await gone(pid);
    await expect.poll(() => exits).toHaveLength(1);
  });

  it('that is stopped is no accident; a start during the stop waits for it', async () => {
    const one = server(`trap 'sleep 0.2; exit 0' TERM; while :; do sleep 0.05; done`, healthy);
    await one.start();
    const first = await commandPid();
    rmSync(join(directory, 'pid'));
    await Promise.all([one.stop(), one.start()]);
    expect(await commandPid()).not.toBe(first);
    expect(one.state).toBe('running');
    await one.stop();
    expect(exits).toEqual([]);
    expect(one.state).toBe('stopped');
  });
});
