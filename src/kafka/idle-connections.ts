import RequestQueue from 'kafkajs/src/network/requestQueue/index.js';

/** kafkajs's own pause while requests wait without a throttle. */
const CHECK_AGAIN_MS = 10;

/**
 * kafkajs 2.2.4 asks each connection's empty queue about once a millisecond
 * whether something waits in it: 4 % of a processor for every idle process
 * (measured), and a thousand wake-ups a second for its neighbours. It is a known
 * fault (tulios/kafkajs#1704) of a library that nobody releases any more. Here
 * the queue is asked while something waits; whatever comes into it, and every
 * answer, has it asked anyway.
 */
export function letIdleConnectionsRest(): void {
  RequestQueue.prototype.scheduleCheckPendingRequests = function (): void {
    if (this.throttleCheckTimeoutId !== null || this.pending.length === 0) return;
    this.throttleCheckTimeoutId = setTimeout(
      () => {
        this.throttleCheckTimeoutId = null;
        this.checkPendingRequests();
      },
      Math.max(this.throttledUntil - Date.now(), CHECK_AGAIN_MS),
    );
  };
}
