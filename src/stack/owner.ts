import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import lockfile from 'proper-lockfile';
import { askOwner, controlSocket, dial, listen, type Answer } from './control.js';
import { runningState } from './state/state.js';
import { StackError } from './state/errors.js';

const DYING_TRIES = 20;

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
export async function becomeOwner(dataDir: string, answer: Answer): Promise<Ownership> {
  mkdirSync(dataDir, { recursive: true });
  return whileLocked(dataDir, async () => {
    await refuseIfOwned(dataDir);
    const path = controlSocket(dataDir);
    rmSync(path, { force: true });
    const server = await listen(path, answer);
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
  for (let tries = 0; ; tries++) {
    const socket = await dial(controlSocket(dataDir));
    if (socket === undefined) return;
    socket.destroy();
    const pid = await ownerPid(dataDir);
    if (pid !== undefined || tries === DYING_TRIES) throw new StackError(inUse(dataDir, pid));
    // It took the connection and no longer answers, nor is there a living process: the last moments of a killed one.
    await delay(100);
  }
}

function inUse(dataDir: string, pid: number | undefined): string {
  const who = pid === undefined ? 'another process' : `process ${pid}`;
  const how = pid === undefined ? 'stop it first' : `stop it with Ctrl-C in its terminal or 'kill ${pid}'`;
  return `${dataDir} is in use: ${who} runs the servers there; ${how}, or use another REGISTRAR_DATA_DIR.`;
}

async function ownerPid(dataDir: string): Promise<number | undefined> {
  try {
    return (await askOwner(dataDir, { action: 'status' }, 2000)).pid;
  } catch {
    // An owner that is too busy to answer has written its id down.
    return runningState(dataDir)?.owner.pid;
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
