/**
 * The broker's time, as far as its answers show it. A topic with LogAppendTime answers each send with the time at which
 * it was stored; where that is not between the send and its answer, the clocks differ by at least the rest.
 */
export class BrokerTime {
  #aheadMs = 0;

  /** The broker's time now; before the first answer this process's own. */
  now(): Date {
    return new Date(Date.now() + this.#aheadMs);
  }

  /**
   * Learns from one answer. Times are milliseconds since 1970.
   *
   * @param sent when the send began, by this process's clock
   * @param stored when the broker stored it, by the broker's clock
   * @param answered when the answer came, by this process's clock
   */
  learn(sent: number, stored: number, answered: number): void {
    this.#aheadMs = Math.min(0, stored - sent) + Math.max(0, stored - answered);
  }
}
