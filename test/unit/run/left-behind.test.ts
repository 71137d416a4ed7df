import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { filesLeft, processesLeft } from '../../run/left-behind.js';
import { temporaryFolder } from '../../run/temporary-folder.js';

const children: ChildProcess[] = [];
afterEach(async () => {
  const running = children.splice(0).filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
  for (const child of running) child.kill('SIGKILL');
  await Promise.all(running.map((child) => once(child, 'exit')));
});

describe('what a run leaves in its temporary folder', () => {
  it('is named, in order, except the caches that all processes of a user share', () => {
    const folder = temporaryFolder('left-behind');
    for (const name of ['contracts-1', 'node-compile-cache', 'node-registrar-0', 'node-registrar-cli-1', 'tsx-1000'])
      mkdirSync(join(folder, name));
    writeFileSync(join(folder, 'a.json'), '{}');
    expect(filesLeft(folder)).toEqual(['a.json', 'contracts-1', 'node-registrar-cli-1']);
  });
});

// Other systems than Linux show nobody the environment of a process.
describe.runIf(process.platform === 'linux')('the processes that a run leaves', () => {
  /** Resolves when the program runs: only then its environment is its own. */
  async function running(env: NodeJS.ProcessEnv, ...args: string[]): Promise<number> {
    const child = spawn(process.execPath, ['-e', "process.stdout.write('up'); setInterval(() => {}, 1e6)", ...args], {
      env,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    children.push(child);
    await once(child.stdout, 'data');
    return child.pid ?? expect.fail('the process has no id');
  }

  it('are found by their environment or their command line, and by no other folder', async () => {
    const [mine, other] = [temporaryFolder('mine'), temporaryFolder('other')];
    const byEnvironment = await running({ TMPDIR: mine });
    const byCommandLine = await running({}, join(mine, 'data'));
    await running({ TMPDIR: other });
    const found = processesLeft(mine).map((line) => Number(line.split(' ')[0]));
    expect(found.sort()).toEqual([byEnvironment, byCommandLine].sort());
    expect(processesLeft(mine, new Set([byEnvironment]))).toEqual([expect.stringContaining(`${byCommandLine} `)]);
  });

  it('are gone when they have ended', async () => {
    const folder = temporaryFolder('ended');
    await running({ TMPDIR: folder });
    const [child] = children;
    child?.kill('SIGKILL');
    if (child !== undefined) await once(child, 'exit');
    expect(processesLeft(folder)).toEqual([]);
  });
});
