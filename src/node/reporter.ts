import type { EventEmitter } from 'node:events';
import { NodeError } from './errors.js';
import type { NodeEvents } from './events.js';
import type { NodeHub } from './hub.js';

/** Emits a node's events. A problem that has no listener is logged. */
export class Reporter {
  #outage = false;

  constructor(
    readonly node_id: string,
    private readonly emitter: EventEmitter,
    private readonly hub: Pick<NodeHub, 'logger' | 'logProblem'>,
  ) {}

  /** A listener that fails is its owner's problem, and must not stop the node: its error is logged. */
  emit<E extends keyof NodeEvents>(event: E, ...details: NodeEvents[E]): void {
    try {
      this.emitter.emit(event, ...details);
    } catch (error) {
      this.hub.logger.error(
        { node_id: this.node_id, err: error },
        `a listener of "${event}" of node ${this.node_id} failed`,
      );
    }
  }

  /**
   * Emits a problem.
   *
   * @param message a sentence without its subject, which is the node
   */
  problem(message: string, cause?: unknown): void {
    const error = new NodeError(this.node_id, message, { cause });
    if (this.emitter.listenerCount('problem') > 0) this.emit('problem', error);
    else this.hub.logProblem(error);
  }

  /** Whether Kafka does not work, as far as this node knows. */
  get hasOutage(): boolean {
    return this.#outage;
  }

  /** Kafka does not work from now on; the problem itself is reported by whoever met it. */
  outage(): void {
    this.#outage = true;
  }

  /** Kafka works. Emits `recovered` when that is news. */
  works(): void {
    if (!this.#outage) return;
    this.#outage = false;
    this.emit('recovered', { at: new Date() });
  }
}
