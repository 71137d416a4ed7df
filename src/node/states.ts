import { NodeError } from './errors.js';
import type { NodeState } from './events.js';
import type { Reporter } from './reporter.js';

/** What has happened to a node whose registration is another process's now; a sentence without its subject. */
export const SUPERSEDED =
  'has stopped: another process has introduced itself under this id, and is registered now. Give one of the two ' +
  'another id, or end this process';

/** How long to wait for a state. */
export interface StartOptions {
  /** In milliseconds. Default: for ever. */
  readonly timeoutMs?: number;
  /** Ends the waiting. */
  readonly signal?: AbortSignal;
}

/** What is said and done while a state is waited for. */
interface Waiting {
  /** States from which the node does not get there: the waiting ends. */
  readonly lost?: readonly NodeState[];
  /** What the node does when the waiting ends early; a sentence without its subject. */
  readonly meanwhile?: string;
  /** The node may be in the state already. That counts once this has resolved. It never rejects. */
  readonly after?: Promise<unknown>;
  /** Ends the waiting like the state. It never rejects. */
  readonly answer?: Promise<void>;
}

/** The state in which a node is, and those who wait for one. */
export class NodeStates {
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
   * Resolves when the node is in a state.
   *
   * @throws NodeError when the time has passed, the signal has come, or the node is lost or stopped before
   */
  until(
    goal: 'active' | 'draining',
    { timeoutMs, signal }: StartOptions,
    { lost = [], meanwhile = 'goes on trying until stop()', after, answer }: Waiting = {},
  ): Promise<void> {
    if (this.#current === goal && after === undefined) return Promise.resolve();
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
        if (state === goal) settle(resolve);
        else if (state === 'leaving') fail(`was stopped before it was ${goal}`);
        else if (state === 'superseded') fail(SUPERSEDED);
        else if (lost.includes(state)) fail(`is not ${goal}: its registration has ended, and it is ${state}`);
      };
      const aborted = (): void =>
        fail(`is not ${goal}: the waiting was ended while it was ${this.#current}. It ${meanwhile}`, signal?.reason);
      const late = (): void =>
        fail(
          `is not ${goal} after ${timeoutMs} ms: it is ${this.#current}. See that the registrar runs; the node ` +
            meanwhile,
        );
      const timer = timeoutMs === undefined ? undefined : setTimeout(late, timeoutMs);
      this.#watchers.add(watcher);
      signal?.addEventListener('abort', aborted);
      if (signal?.aborted === true) aborted();
      void answer?.then(() => settle(resolve));
      void after?.then(() => {
        if (this.#current === goal) settle(resolve);
      });
    });
  }
}
