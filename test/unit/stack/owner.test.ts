import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { askOwner, controlSocket, type OwnerReply } from '../../../src/stack/control.js';
import { becomeOwner, type Ownership } from '../../../src/stack/owner.js';
import { identify, isAlive, waitForEnd } from '../../../src/stack/state/processes.js';
import { readState, runningState, writeState, type StackState } from '../../../src/stack/state/state.js';
import { wipe } from '../../../src/stack/wipe.js';

let dataDir: string;
const owned: Ownership[] = [];

beforeEach(() => {
  dataDir = join(mkdtempSync(join(tmpdir(), 'owner-test-')), 'data');
});
afterEach(async () => {
  await Promise.all(owned.splice(0).map((ownership) => ownership.release()));
  rmSync(join(dataDir, '..'), { recursive: true });
});

const down = { state: 'stopped', address: 'a:1' } as const;
const reply: OwnerReply = { pid: process.pid, servers: { temporal: down, kafka: down, consul: down, postgres: down } };
const answer = () => Promise.resolve(reply);

async function own(directory = dataDir): Promise<void> {
  owned.push(await becomeOwner(directory, answer));
}

function stateOf(owner: { pid: number; born: string }, guardians: StackState['guardians'] = []): StackState {
  return { owner, guardians, ports: { consul: { http: 8500 } }, addresses: { consul: 'http://127.0.0.1:8500' } };
}

function self() {
  const identity = identify(process.pid);
  if (identity === undefined) throw new Error('no identity');
  return identity;
}

describe('a data directory', () => {
  it('has one owner at a time; a second learns who, and how to stop it', async () => {
    await own();
    await expect(becomeOwner(dataDir, answer)).rejects.toThrow(
      new RegExp(`process ${process.pid} runs the servers there; .*kill ${process.pid}`),
    );
  });

  it('of two that come at the same moment one gets it', async () => {
    const both = await Promise.allSettled([becomeOwner(dataDir, answer), becomeOwner(dataDir, answer)]);
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    for (const one of both) if (one.status === 'fulfilled') owned.push(one.value);
  });

  it('is free again when its owner lets go', async () => {
    const first = await becomeOwner(dataDir, answer);
    await first.release();
    await expect(own()).resolves.toBeUndefined();
  });

  it('is free when a killed owner left its socket behind', async () => {
    mkdirSync(dataDir);
    writeFileSync(controlSocket(dataDir), '');
    await expect(own()).resolves.toBeUndefined();
  });

  it('is free when an owner that no longer answers ends, although its process still lives for a moment', async () => {
    mkdirSync(dataDir);
    writeState(dataDir, stateOf(self()));
    const dying = createServer((socket) => socket.destroy()).listen(controlSocket(dataDir));
    await once(dying, 'listening');
    const taken = own();
    // The second connection is the one that asks for the status.
    await once(dying, 'connection');
    await once(dying, 'connection');
    dying.close();
    await expect(taken).resolves.toBeUndefined();
  });

  it('stays the one of an owner that never answers, and the process that was written down is named', async () => {
    mkdirSync(dataDir);
    writeState(dataDir, stateOf(self()));
    const silent = createServer((socket) => socket.destroy()).listen(controlSocket(dataDir));
    await once(silent, 'listening');
    await expect(own()).rejects.toThrow(`process ${process.pid} runs the servers there`);
    silent.close();
  }, 15_000);

  it('may have a path longer than a socket can have', async () => {
    const long = join(dataDir, 'x'.repeat(120));
    expect(Buffer.byteLength(controlSocket(long))).toBeLessThan(108);
    await own(long);
    expect(await askOwner(long, { action: 'status' })).toEqual(reply);
  });
});

describe('the owner, asked from another terminal', () => {
  it('answers', async () => {
    await own();
    expect(await askOwner(dataDir, { action: 'status' })).toEqual(reply);
  });

  it('passes on why it could not', async () => {
    owned.push(await becomeOwner(dataDir, () => Promise.reject(new Error('Consul is not ours'))));
    await expect(askOwner(dataDir, { action: 'stop', server: 'consul' })).rejects.toThrow('Consul is not ours');
  });

  it('is said to be missing when there is none', async () => {
    await expect(askOwner(dataDir, { action: 'status' })).rejects.toThrow(/no stack is running on .*registrar up/);
  });

  it('is not waited for without end', async () => {
    owned.push(await becomeOwner(dataDir, () => delay(60_000, reply, { ref: false })));
    await expect(askOwner(dataDir, { action: 'status' }, 100)).rejects.toThrow('no answer within 0.1 s');
  });
});

describe('the state', () => {
  it('is what was written', () => {
    writeState(dataDir, stateOf(self()));
    expect(readState(dataDir)).toEqual(stateOf(self()));
    expect(runningState(dataDir)).toEqual(stateOf(self()));
  });

  it('of a dead owner has the ports, and no running stack', () => {
    writeState(dataDir, stateOf({ pid: process.pid, born: 'another' }));
    expect(runningState(dataDir)).toBeUndefined();
    expect(readState(dataDir)?.ports.consul).toEqual({ http: 8500 });
  });

  it('a process is recognised, also when its id is used again', async () => {
    expect(isAlive(self())).toBe(true);
    expect(isAlive({ ...self(), born: 'another' })).toBe(false);
    expect(identify(2 ** 22 + 1)).toBeUndefined();
    expect(await waitForEnd([self()], 60)).toEqual([self()]);
    expect(await waitForEnd([{ ...self(), born: 'another' }], 60_000)).toEqual([]);
  });
});

describe('wipe', () => {
  it('removes the directory', async () => {
    writeState(dataDir, stateOf({ pid: 1, born: 'another' }));
    mkdirSync(join(dataDir, 'kafka'));
    expect(await wipe(dataDir)).toBe(true);
    expect(existsSync(dataDir)).toBe(false);
    expect(await wipe(dataDir)).toBe(false);
  });

  it('refuses while somebody owns it', async () => {
    await own();
    writeState(dataDir, stateOf(self()));
    await expect(wipe(dataDir)).rejects.toThrow('is in use');
    expect(existsSync(dataDir)).toBe(true);
  });

  it('refuses a directory that no stack has made', async () => {
    mkdirSync(dataDir);
    writeFileSync(join(dataDir, 'thesis.tex'), '');
    await expect(wipe(dataDir)).rejects.toThrow('nothing was removed');
    expect(existsSync(join(dataDir, 'thesis.tex'))).toBe(true);
  });

  it('does not follow a link that leads elsewhere', async () => {
    const dear = join(dataDir, '..', 'dear');
    mkdirSync(dear);
    writeState(dataDir, stateOf({ pid: 1, born: 'another' }));
    symlinkSync(dear, join(dataDir, 'postgres'));
    await wipe(dataDir);
    expect(existsSync(dear)).toBe(true);
  });
});
