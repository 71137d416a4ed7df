import { setMaxListeners } from 'node:events';
import { EXIT } from './exit-codes.js';
import { whenLaunchersDie } from './launchers.js';

/** The person's wish to stop. */
export interface Stopping {
  /** Aborted by Ctrl-C, SIGTERM, a closed terminal, or the end of npm or tsx that had started us. */
  readonly signal: AbortSignal;
  /** Resolves when that happens. */
  readonly requested: Promise<void>;
}

/**
 * Listens for the wish to stop. The first time it is a wish; the second time
 * the process ends at once, and whatever it had started ends with it.
 */
export function untilStopped(onFirst: () => void = () => undefined): Stopping {
  const controller = new AbortController();
  // Every node of a fleet listens to it.
  setMaxListeners(0, controller.signal);
  const requested = new Promise<void>((resolve) => controller.signal.addEventListener('abort', () => resolve(), { once: true }));
  let lastSignalAt = 0;
  const stop = (): void => {
    const now = Date.now();
    if (controller.signal.aborted) {
      // A launcher hands the terminal's Ctrl-C on to us, who have it already: that is one wish, not two.
      if (now - lastSignalAt > 500) process.exit(EXIT.interrupted);
      return;
    }
    lastSignalAt = now;
    onFirst();
    controller.abort(new Error('stopped'));
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
  whenLaunchersDie(stop);
  return { signal: controller.signal, requested };
}
