import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { verifyDirectory, verifyFile, verifyIntegrity } from '../../../src/stack/provision/checksum.js';
import { SYSTEM_CACHE_ROOT, userCacheRoot, type ProvisionContext } from '../../../src/stack/provision/context.js';
import { installOnce } from '../../../src/stack/provision/install.js';
import { bytesIn, measured, runTool } from '../../../src/stack/provision/run.js';
import { lineReporter } from '../../../src/stack/progress.js';
import type { StackEvent } from '../../../src/stack/types.js';

let directory: string;
let events: StackEvent[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'install-test-'));
  events = [];
});
afterEach(() => rmSync(directory, { recursive: true }));

const product = { name: 'thing', version: '1.2' };

function context(signal?: AbortSignal): ProvisionContext {
  const cacheRoot = join(directory, 'cache');
  return {
    about: 'thing',
    cacheRoot,
    env: process.env,
    onProgress: (event) => events.push(event),
    ...(signal && { signal }),
  };
}

function buildWith(text: string, counter = { builds: 0 }) {
  return async (workDir: string) => {
    counter.builds += 1;
    const installation = join(workDir, 'install');
    mkdirSync(installation, { recursive: true });
    await setImmediate();
    writeFileSync(join(installation, 'file'), text);
    return installation;
  };
}

describe('an installation', () => {
  it('is made once, whole, and leaves nothing else behind', async () => {
    const counter = { builds: 0 };
    const first = await installOnce(product, context(), buildWith('a', counter));
    const second = await installOnce(product, context(), buildWith('b', counter));
    expect(first).toBe(join(directory, 'cache', 'thing-1.2'));
    expect(second).toBe(first);
    expect(counter.builds).toBe(1);
    expect(readFileSync(join(first, 'file'), 'utf8')).toBe('a');
    expect(readdirSync(join(directory, 'cache'))).toEqual(['thing-1.2']);
  });

  it('of two runs at once is made by one, and the other waits and says so', async () => {
    const counter = { builds: 0 };
    const slow = async (workDir: string) => {
      const built = await buildWith('slow', counter)(workDir);
      await vi.waitFor(() => expect(events, 'what the other says').not.toEqual([]), { timeout: 10_000 });
      return built;
    };
    const both = await Promise.all([installOnce(product, context(), slow), installOnce(product, context(), slow)]);
    expect(both[0]).toBe(both[1]);
    expect(counter.builds).toBe(1);
    expect(events).toEqual([
      { kind: 'step', about: 'thing', text: 'another run is installing thing 1.2; waiting for it' },
    ]);
  });

  it('that was interrupted is not taken for one, and the next run goes on with its work', async () => {
    const interrupted = async (workDir: string) => {
      writeFileSync(join(workDir, 'downloaded'), 'half');
      await setImmediate();
      throw new Error('interrupted');
    };
    await expect(installOnce(product, context(), interrupted)).rejects.toThrow('interrupted');
    expect(existsSync(join(directory, 'cache', 'thing-1.2'))).toBe(false);
    let seen = '';
    await installOnce(product, context(), async (workDir) => {
      seen = readFileSync(join(workDir, 'downloaded'), 'utf8');
      return buildWith('a')(workDir);
    });
    expect(seen).toBe('half');
  });

  it('takes over the lock of a run that died', async () => {
    const lock = join(directory, 'cache', 'thing-1.2.lock');
    mkdirSync(lock, { recursive: true });
    const minuteAgo = new Date(Date.now() - 60_000);
    utimesSync(lock, minuteAgo, minuteAgo);
    await expect(installOnce(product, context(), buildWith('a'))).resolves.toContain('thing-1.2');
  });

  it('stops waiting when its signal is aborted', async () => {
    mkdirSync(join(directory, 'cache', 'thing-1.2.lock'), { recursive: true });
    const giveUp = new AbortController();
    const waiting = installOnce(product, context(giveUp.signal), buildWith('a'));
    giveUp.abort(new Error('stopped'));
    await expect(waiting).rejects.toThrow('stopped');
  });
});

describe('the cache directory', () => {
  it.each([
    [{ XDG_CACHE_HOME: '/x', HOME: '/h' }, '/x/node-registrar'],
    [{ HOME: '/h' }, '/h/.cache/node-registrar'],
    [{ XDG_CACHE_HOME: 'relative', HOME: '/h' }, '/h/.cache/node-registrar'],
  ])('for %o is %s', (env, path) => {
    expect(userCacheRoot(env)).toBe(path);
    expect(path).not.toBe(SYSTEM_CACHE_ROOT);
  });
});

describe('a checksum', () => {
  // echo -n right | sha256sum; echo -n right | openssl dgst -sha512 -binary | base64 -w0
  const sha256 = '27042f4e6eca7d0b2a7ee4026df2ecfa51d3339e6d122aa099118ecd8563bad9';

  function file(name: string, content: string): string {
    const path = join(directory, name);
    writeFileSync(path, content);
    return path;
  }

  it('lets the right file pass and refuses a wrong one', async () => {
    await expect(verifyFile(file('a', 'right'), sha256)).resolves.toBeUndefined();
    await expect(verifyFile(file('a', 'right!'), sha256)).rejects.toThrow(`a is not the file that was pinned`);
  });

  it("does the same in npm's form", async () => {
    const integrity = 'sha512-VclyEGoLMmex4fp699WE3c9gUe5RYw2knM6A2VOZI5DNbkxxityFK+t2GKciG346A+6ubG+1LTqIBWZcNX9rHw==';
    await expect(verifyIntegrity(file('a', 'right'), integrity)).resolves.toBeUndefined();
    await expect(verifyIntegrity(file('a', 'wrong'), integrity)).rejects.toThrow('not the file that was pinned');
  });

  it('of a directory refuses a file too many, one too few and a changed one', async () => {
    const jars = join(directory, 'jars');
    mkdirSync(jars);
    writeFileSync(join(jars, 'a.jar'), 'right');
    await expect(verifyDirectory(jars, { 'a.jar': sha256 })).resolves.toBeUndefined();
    await expect(verifyDirectory(jars, { 'a.jar': sha256, 'b.jar': sha256 })).rejects.toThrow('missing: b.jar');
    writeFileSync(join(jars, 'evil.jar'), 'x');
    await expect(verifyDirectory(jars, { 'a.jar': sha256 })).rejects.toThrow('not expected: evil.jar');
    rmSync(join(jars, 'evil.jar'));
    writeFileSync(join(jars, 'a.jar'), 'changed');
    await expect(verifyDirectory(jars, { 'a.jar': sha256 })).rejects.toThrow('a.jar is not the file that was pinned');
  });
});

describe('a tool that is run', () => {
  it('answers its output, and keeps all of it in a log', async () => {
    expect(await runTool('sh', ['-c', 'echo out; echo err >&2'], context(), { cwd: directory })).toBe('out');
    const log = readFileSync(join(directory, 'provision.log'), 'utf8');
    expect(log).toContain('out\n');
    expect(log).toContain('err\n');
  });

  it('fails with its last lines, its exit code and the path of its log', async () => {
    const failing = runTool('sh', ['-c', 'echo no such module >&2; exit 3'], context(), { cwd: directory });
    await expect(failing).rejects.toThrow(/exit 3[^]*no such module[^]*provision\.log/);
  });

  it('is ended when the run is given up', async () => {
    const giveUp = new AbortController();
    const running = runTool('sh', ['-c', 'touch runs; exec sleep 60'], context(giveUp.signal), { cwd: directory });
    await vi.waitFor(() => expect(existsSync(join(directory, 'runs'))).toBe(true), { timeout: 10_000 });
    giveUp.abort(new Error('stopped'));
    await expect(running).rejects.toThrow('stopped');
  });

  it('shows how much of a download has arrived', async () => {
    const downloads = join(directory, 'downloads', 'deep');
    mkdirSync(downloads, { recursive: true });
    const arrived = {
      kind: 'progress',
      about: 'thing',
      text: 'downloading',
      done: 40,
      total: 100,
      unit: 'bytes',
    };
    await measured(join(directory, 'downloads'), 100, 'downloading', context(), async () => {
      writeFileSync(join(downloads, 'part'), Buffer.alloc(40));
      await vi.waitFor(() => expect(events).toContainEqual(arrived), { timeout: 10_000 });
    });
    expect(bytesIn(join(directory, 'not', 'there'))).toBe(0);
  });
});

describe('progress without a terminal', () => {
  it('is one line a step and one a tenth', () => {
    const lines: string[] = [];
    const { onProgress } = lineReporter((line) => lines.push(line));
    onProgress({ kind: 'step', about: 'consul', text: 'building' });
    for (let done = 0; done <= 1000; done++)
      onProgress({ kind: 'progress', about: 'consul', text: 'building', done, total: 1000, unit: 'packages' });
    onProgress({ kind: 'ready', about: 'consul', text: 'runs', ms: 1234 });
    expect(lines).toHaveLength(12);
    expect(lines[0]).toBe('consul: building');
    expect(lines[1]).toBe('consul: building 100 of 1000 packages');
    expect(lines[11]).toBe('consul: runs (1.2 s)');
  });
});
