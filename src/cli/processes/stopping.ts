import { setMaxListeners } from 'node:events';
import type { Logger } from 'pino';
import { EXIT } from '../terminal/exit-codes.js';
import { showNoWaiting } from '../terminal/waiting.js';
import { whenLaunchersDie } from './launchers.js';

/** The person's wish to stop. */
export interface Stopping {
  /** Aborted by Ctrl-C, SIGTERM, a closed terminal, or the end of npm or tsx that had started us. */
  readonly signal: AbortSignal;
  /** Resolves when that happens. */
  readonly requested: Promise<void>;
}

/** A launcher hands the terminal's Ctrl-C on to us, who have it already: within this time that is one wish, not two. */
const ONE_WISH_MS = 1_000;

/** Kubernetes waits 30 s by default, and a worker gives its tasks 10 s. */
const STOP_WITHIN_SECONDS = 20;

/** Ends a process that is being stopped when that takes too long, since a server does not answer. */
export function endInTime(log: Logger): void {
  setTimeout(() => {
    log.error(
      `it has not stopped within ${STOP_WITHIN_SECONDS} s, since a server does not answer, and ends now: ` +
        'what it held is delivered again',
    );
    process.exit(EXIT.failed);
  }, STOP_WITHIN_SECONDS * 1_000).unref();
}

/**
 * Listens for the wish to stop. The first time it is a wish; a signal that
 * comes after it ends the process at once, and whatever it had started ends
 * with it.
 */
export function untilStopped(onFirst: () => void = () => undefined): Stopping {
  showNoWaiting();
  const controller = new AbortController();
  // Every node of a fleet listens to it.
  setMaxListeners(0, controller.signal);
  const requested = new Promise<void>((resolve) =>
    controller.signal.addEventListener('abort', () => resolve(), { once: true }),
  );
  let wishedAt = 0;
  const stop = (): void => {
    if (controller.signal.aborted) return;
    wishedAt = Date.now();
    onFirst();
    controller.abort(new Error('stopped'));
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (controller.signal.aborted && Date.now() - wishedAt > ONE_WISH_MS) process.exit(EXIT.interrupted);
      stop();
    });
  }
  whenLaunchersDie(stop);
  return { signal: controller.signal, requested };
}
