import {
  ActivityCancellationType,
  CancellationScope,
  scheduleActivity,
  scheduleLocalActivity,
} from '@temporalio/workflow';
import type { Published } from '../activities/api.js';
import type { CompiledContract } from '../src/contracts/compiled.js';
import type { OutgoingEvent } from '../src/protocol/published.js';
import { localOptions, ordinaryOptions, reasonOf, rethrowUnlessFailed } from './calls.js';
import type { Answer } from './core/answer.js';
import type { Flight } from './core/next.js';

/**
 * Publishing, one send at a time. A send that the broker does not take at once
 * goes on in the background, and can be cancelled. Nothing newer is published
 * before a cancelled send has ended.
 */
export class Publishing {
  #flight: Flight = 'none';
  #scope: CancellationScope | null = null;

  /** @param answer receives what comes back, unless it was cancelled */
  constructor(private readonly answer: (answer: Answer) => void) {}

  get flight(): Flight {
    return this.#flight;
  }

  /** Starts a send. Returns when its local tries have ended (see docs/decisions/local-activities-end-first.md). */
  async start(events: readonly OutgoingEvent[], contract: CompiledContract): Promise<void> {
    const types = events.map(({ event_type }) => event_type);
    const summary = `publish ${types.join(', ')}`;
    const { placement, start_to_close_seconds, retry } = contract.calls.publish_events;
    const done = ({ sent_at, refused }: Published): void => {
      const last_id = events.at(-1)?.id ?? '';
      this.answer({ kind: 'published', types, refused, sent_at, last_id });
    };
    this.#flight = 'in flight';
    if (placement === 'local_first') {
      try {
        const options = { ...localOptions(contract.local_tries), summary };
        const published = await scheduleLocalActivity<Published>('publish_events', [events], options);
        this.#flight = 'none';
        return done(published);
      } catch (error) {
        rethrowUnlessFailed(error);
      }
    }
    const scope = new CancellationScope({ cancellable: true });
    this.#scope = scope;
    void scope.run(async () => {
      try {
        const published = await scheduleActivity<Published>('publish_events', [events], {
          ...ordinaryOptions(start_to_close_seconds, retry),
          cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
          summary,
        });
        if (this.#flight === 'in flight') done(published);
      } catch (error) {
        if (this.#flight === 'in flight') this.answer({ kind: 'not published', types, reason: reasonOf(error) });
      } finally {
        this.#flight = 'none';
        this.#scope = null;
      }
    });
  }

  /** What is in flight is superseded. */
  cancel(): void {
    if (this.#flight !== 'in flight') return;
    this.#flight = 'cancelled';
    this.#scope?.cancel();
  }
}
