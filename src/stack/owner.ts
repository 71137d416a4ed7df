import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import lockfile from 'proper-lockfile';
import { askOwner, controlSocket, dial, listen, type HandleRequest } from './control.js';
import { runningState } from './state/state.js';
import { StackError } from './state/errors.js';

/** A killed process keeps its sockets until the kernel has taken it down; on a loaded machine that takes a while. */
const DYING_MS = 5000;

/** The right to run servers on a data directory; it ends with the process, however that ends. */
export interface Ownership {
  release(): Promise<void>;
}

/**
 * Becomes the one owner of a data directory. @throws StackError that names the owner when there is one
 *
 * Owning is listening on the control socket: the kernel knows at any time whether somebody does, so there is no lock
 * file that could be left behind. The lock file here covers only the moment between looking and listening.
 */
export async function becomeOwner(dataDir: string, handle: HandleRequest): Promise<Ownership> {
  mkdirSync(dataDir, { recursive: true });
  return whileLocked(dataDir, async () => {
    await refuseIfOwned(dataDir);
    const path = controlSocket(dataDir);
    rmSync(path, { force: true });
    const server = await listen(path, handle);
    return {
      release: () => new Promise((resolve) => server.close(() => resolve())),
    };
  });
}

/** Does something to a data directory that nobody owns, and keeps others from owning it meanwhile. */
export async function whileUnowned<T>(dataDir: string, work: () => Promise<T>): Promise<T> {
  return whileLocked(dataDir, async () => {
    await refuseIfOwned(dataDir);
    return work();
  });
}

async function refuseIfOwned(dataDir: string): Promise<void> {
  const deadline = Date.now() + DYING_MS;
  for (;;) {
    const socket = await dial(controlSocket(dataDir));
    if (socket === undefined) return;
    socket.destroy();
    const answering = await answeringOwner(dataDir);
    if (answering !== undefined) throw new StackError(inUse(dataDir, answering));
    // An owner that takes connections and does not answer is busy, or a killed process in its last moments.
    if (Date.now() > deadline) throw new StackError(inUse(dataDir, runningState(dataDir)?.owner.pid));
    await delay(100);
  }
}

function inUse(dataDir: string, pid: number | undefined): string {
  const who = pid === undefined ? 'another process' : `process ${pid}`;
  const how = pid === undefined ? 'stop it first' : `stop it with Ctrl-C in its terminal or 'kill ${pid}'`;
  return `${dataDir} is in use: ${who} runs the servers there; ${how}, or use another REGISTRAR_DATA_DIR.`;
}

/** The process id of an owner that answers; undefined when none does. */
async function answeringOwner(dataDir: string): Promise<number | undefined> {
  try {
    return (await askOwner(dataDir, { action: 'status' }, 2000)).pid;
  } catch {
    return undefined;
  }
}

async function whileLocked<T>(dataDir: string, work: () => Promise<T>): Promise<T> {
  const release = await lockfile.lock(dataDir, {
    lockfilePath: join(dataDir, 'takeover.lock'),
    stale: 5000,
    retries: { retries: 60, minTimeout: 100, maxTimeout: 200 },
  });
  try {
    return await work();
  } finally {
    await release();
  }
}
