import { createRequire } from 'node:module';

/** What is used here of kafkajs's queue of requests: one for each connection. */
interface RequestQueue {
  readonly pending: readonly unknown[];
  /** Milliseconds since 1970 until which the broker wants to be left alone; -1: it does not. */
  readonly throttledUntil: number;
  throttleCheckTimeoutId: NodeJS.Timeout | null;
  checkPendingRequests(): void;
  scheduleCheckPendingRequests(): void;
}

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
  const { prototype } = createRequire(import.meta.url)('kafkajs/src/network/requestQueue') as { readonly prototype: RequestQueue };
  prototype.scheduleCheckPendingRequests = function (this: RequestQueue): void {
    if (this.throttleCheckTimeoutId !== null || this.pending.length === 0) return;
    this.throttleCheckTimeoutId = setTimeout(() => {
      this.throttleCheckTimeoutId = null;
      this.checkPendingRequests();
    }, Math.max(this.throttledUntil - Date.now(), CHECK_AGAIN_MS));
  };
}
