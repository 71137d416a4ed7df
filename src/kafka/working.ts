/**
 * The batches that are worked on, so that a stop can end them. Each has an abort controller of its own: a signal that
 * depends on one that lives as long as the process (`AbortSignal.any`) is never quite freed (measured on Node 20: 52
 * bytes a batch).
 */
export class Working {
  /** Each with when it began: milliseconds of performance.now(). */
  readonly #open = new Map<AbortController, number>();
  #ended: Error | undefined;

  /** For one more batch. */
  begin(): AbortController {
    const controller = new AbortController();
    if (this.#ended !== undefined) controller.abort(this.#ended);
    this.#open.set(controller, performance.now());
    return controller;
  }

  end(controller: AbortController): void {
    this.#open.delete(controller);
  }

  /** How long the oldest one is worked on: milliseconds; 0 where there is none. */
  oldestMs(): number {
    return Math.max(0, ...[...this.#open.values()].map((began) => performance.now() - began));
  }

  /** Aborts what is worked on, and whatever begins later. */
  abort(reason: Error): void {
    this.#ended = reason;
    for (const controller of this.#open.keys()) controller.abort(reason);
  }
}
