import { NodeError } from './errors.js';
import type { NodeState } from './events.js';
import type { Reporter } from './reporter.js';

/** What has happened to a node whose registration is another process's now; a sentence without its subject. */
export const SUPERSEDED =
  'has stopped: another process has introduced itself under this id, and is registered now. Give one of the two ' +
  'another id, or end this process';

/** How long to wait for ACTIVE. */
export interface StartOptions {
  /** In milliseconds. Default: for ever. */
  readonly timeoutMs?: number;
  /** Ends the waiting. */
  readonly signal?: AbortSignal;
}

/** The state in which a node is, and those who wait for one. */
export class States {
  #current: NodeState = 'idle';
  readonly #watchers = new Set<(state: NodeState) => void>();

  constructor(private readonly reporter: Reporter) {}

  get current(): NodeState {
    return this.#current;
  }

  /**
   * The node is in this state from now on; emits `state` when that is a change.
   *
   * @param correlation_id that of the current attempt
   */
  enter(state: NodeState, correlation_id: string | null): void {
    const previous = this.#current;
    if (previous === state) return;
    this.#current = state;
    for (const watcher of [...this.#watchers]) watcher(state);
    this.reporter.emit('state', { state, previous, correlation_id, at: new Date() });
  }

  /**
   * Resolves when the node is ACTIVE.
   *
   * @throws NodeError when the time has passed, the signal has come, or the node is stopped before
   */
  untilActive({ timeoutMs, signal }: StartOptions): Promise<void> {
    if (this.#current === 'active') return Promise.resolve();
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', aborted);
        this.#watchers.delete(watcher);
        act();
      };
      const fail = (message: string, cause?: unknown): void =>
        settle(() => reject(new NodeError(this.reporter.node_id, message, { cause })));
      const watcher = (state: NodeState): void => {
        if (state === 'active') settle(resolve);
        else if (state === 'leaving') fail('was stopped before it was active');
        else if (state === 'superseded') fail(SUPERSEDED);
      };
      const aborted = (): void =>
        fail(
          `is not active: the waiting was ended while it was ${this.#current}. It goes on trying until stop()`,
          signal?.reason,
        );
      const late = (): void =>
        fail(
          `is not active after ${timeoutMs} ms: it is ${this.#current}. See that the registrar runs; the node ` +
            'goes on trying until stop()',
        );
      const timer = timeoutMs === undefined ? undefined : setTimeout(late, timeoutMs);
      this.#watchers.add(watcher);
      signal?.addEventListener('abort', aborted);
      if (signal?.aborted === true) aborted();
    });
  }
}
