import { v4 } from 'uuid';
import type { PublishedEvent } from '../protocol/published.js';

/** More answers than this are never under way at once. */
const MAX_OFFERS = 16;

/** One try to be registered, from its introspection to its end. */
export class Attempt {
  stage: 'introducing' | 'accepted' | 'acknowledged' | 'active' = 'introducing';
  /** It has ended: rejected, expired, or acknowledged too late. */
  over = false;
  /** The registrar's number of it, the highest that was read. */
  number = 0;
  #talking = new AbortController();

  constructor(readonly correlation_id: string) {}

  /** Aborted when what is being said, or waited for, has been overtaken. */
  get signal(): AbortSignal {
    return this.#talking.signal;
  }

  /** Ends what is being said and begins something new. */
  turn(): AbortSignal {
    this.#talking.abort();
    this.#talking = new AbortController();
    return this.#talking.signal;
  }
}

/** Knows which events are about the current attempt, and which are old, early or somebody else's. */
export class Attempts {
  #current: Attempt | null = null;
  /** Correlation_ids of answers to the registrar: each may become an attempt, if the registrar makes it one. */
  #offers: string[] = [];

  get current(): Attempt | null {
    return this.#current;
  }

  isCurrent(attempt: Attempt): boolean {
    return attempt === this.#current && !attempt.over;
  }

  begin(): Attempt {
    this.#offers = [];
    return this.#become(v4());
  }

  /**
   * A correlation_id under which the registrar may open an attempt, or not:
   * that of its request, so that both fall into one trace, unless it would be
   * a duplicate.
   */
  offer(request: string): string {
    const used = request === this.#current?.correlation_id || this.#offers.includes(request);
    const correlation_id = used ? v4() : request;
    this.#offers = [...this.#offers, correlation_id].slice(-MAX_OFFERS);
    return correlation_id;
  }

  /**
   * The attempt that an event is about; null where that is not the current one.
   *
   * Topics are read independently of each other, so the end of an attempt may
   * be read before its middle; the registrar's number tells. A higher number
   * under the same correlation_id is a replay by the registrar ("retry"): it
   * revives an attempt that had ended.
   */
  of(event: PublishedEvent): Attempt | null {
    const place = this.#offers.indexOf(event.correlation_id);
    if (place >= 0) {
      this.#offers = this.#offers.slice(place + 1);
      this.#become(event.correlation_id);
    }
    const attempt = this.#current;
    if (attempt === null || attempt.correlation_id !== event.correlation_id) return null;
    // A registrar that does not number its attempts is taken at its word.
    const number = Number(event.tags.attempt) || attempt.number;
    if (number < attempt.number || (attempt.over && number === attempt.number)) return null;
    if (number > attempt.number && attempt.number > 0) {
      attempt.stage = 'introducing';
      attempt.over = false;
    }
    attempt.number = number;
    return attempt;
  }

  #become(correlation_id: string): Attempt {
    this.#current?.turn();
    this.#current = new Attempt(correlation_id);
    return this.#current;
  }
}
