/**
 * The worker or the bridge as a child of `up` and `demo`, in a process of its
 * own that can be killed and measured. It loads its code at once, begins when
 * the parent sends go, and cannot outlive the parent, however that ends.
 */
import { loadConfig } from '../../config/index.js';
import type { ToChild } from './children.js';
import { explainError, wantsStackTraces } from '../terminal/errors.js';
import { log } from '../terminal/output.js';

/** After the parent's death the servers go too: what cannot be finished by then never will be. */
const LEAVE_WITHIN_MS = 3_000;

const RUN = {
  worker: async () => (await import('../worker/run-worker.js')).runWorker,
  bridge: async () => (await import('../bridge/run-bridge.js')).runBridge,
} as const;

async function main(role: string | undefined): Promise<void> {
  if (role !== 'worker' && role !== 'bridge') throw new Error(`child: '${role}' is neither worker nor bridge`);
  process.once('disconnect', leave);
  const go = new Promise<void>((resolve) =>
    process.once('message', (message: ToChild) => message === 'go' && resolve()),
  );
  const [run] = await Promise.all([RUN[role](), go]);
  await run(loadConfig(), () => process.send?.('ready'));
  process.disconnect();
}

function leave(): void {
  setTimeout(() => process.exit(1), LEAVE_WITHIN_MS).unref();
  process.kill(process.pid, 'SIGTERM');
}

main(process.argv[2]).then(
  () => process.exit(0),
  (error: unknown) => {
    const { message, hint } = explainError(error);
    log(hint === undefined ? message : `${message}\n${hint}`);
    if (wantsStackTraces() && error instanceof Error) log(error.stack ?? '');
    process.exit(1);
  },
);
