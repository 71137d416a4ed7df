/** Something that is done again and again until it is stopped; one run never overlaps the next. */
export interface Repetition {
  /** Resolves when the run in progress, if any, has ended. */
  stop(): Promise<void>;
}

/**
 * Runs `work` now and then with a pause between the runs.
 *
 * @param pauseMs from the end of a run to the start of the next; a function is asked after each run
 * @param work must not reject: what it does about a failure is its own affair
 */
export function every(pauseMs: number | (() => number), work: () => Promise<void>): Repetition {
  let stopped = false;
  let endPause: () => void = () => undefined;
  const loop = async (): Promise<void> => {
    while (!stopped) {
      await work();
      if (stopped) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, typeof pauseMs === 'number' ? pauseMs : pauseMs());
        endPause = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  };
  const running = loop();
  return {
    stop() {
      stopped = true;
      endPause();
      return running;
    },
  };
}
