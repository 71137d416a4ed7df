import { v4 } from 'uuid';
import type { PublishedEvent } from '../protocol/published.js';

/** More answers than this are never in flight at once. */
const MAX_ANSWERS = 16;

/** One registration attempt of a node, from its introspection to its end. */
export class Attempt {
  stage: 'introducing' | 'accepted' | 'acknowledged' | 'active' | 'draining' = 'introducing';
  /** When the registrar last published that it is active or draining; "" before. */
  #since = '';
  /** It was rejected, has expired, or was acknowledged too late. */
  ended = false;
  /** The registrar's number of it, the highest that was read. */
  number = 0;
  #work = new AbortController();

  constructor(readonly correlation_id: string) {}

  /** It is registered, whether others find it or not. */
  get isRegistered(): boolean {
    return this.stage === 'active' || this.stage === 'draining';
  }

  /**
   * The registrar has published that it is active, or draining. Each has a topic of its own, and topics are read
   * independently of each other: what was published before and is read later is old.
   *
   * @param emitted_at ISO 8601
   * @returns whether it was not so before
   */
  becomes(stage: 'active' | 'draining', emitted_at: string): boolean {
    if (emitted_at < this.#since) return false;
    this.#since = emitted_at;
    const isNew = this.stage !== stage;
    this.stage = stage;
    return isNew;
  }

  /** An operator has it registered anew, under the same correlation_id. */
  revive(): void {
    this.stage = 'introducing';
    this.#since = '';
    this.ended = false;
  }

  /** Aborted when what is being sent, or waited for, is superseded. */
  get signal(): AbortSignal {
    return this.#work.signal;
  }

  /**
   * Ends what is being sent or waited for.
   *
   * @returns the signal of what comes instead
   */
  supersede(): AbortSignal {
    this.#work.abort();
    this.#work = new AbortController();
    return this.#work.signal;
  }
}

/** Knows which events are about the current attempt, and which are old, early or another node's. */
export class Attempts {
  #current: Attempt | null = null;
  /** Correlation_ids of answers to the registrar: each may become an attempt, if the registrar makes it one. */
  #answers: string[] = [];

  /** The newest attempt; null before the first. */
  get current(): Attempt | null {
    return this.#current;
  }

  /** Whether an attempt is still the newest one, and has not ended. */
  isCurrent(attempt: Attempt): boolean {
    return attempt === this.#current && !attempt.ended;
  }

  /** Opens an attempt under a new correlation_id. */
  begin(): Attempt {
    this.#answers = [];
    return this.#open(v4());
  }

  /**
   * The correlation_id for an answer to the registrar's request. The registrar
   * may open an attempt under it. It is the request's own, so that both fall
   * into one trace, unless the answer would be a duplicate.
   *
   * @param request the request's correlation_id
   */
  answerTo(request: string): string {
    const used = request === this.#current?.correlation_id || this.#answers.includes(request);
    const correlation_id = used ? v4() : request;
    this.#answers = [...this.#answers, correlation_id].slice(-MAX_ANSWERS);
    return correlation_id;
  }

  /**
   * The attempt that an event is about; null where that is not the current one.
   *
   * Topics are read independently of each other, so the end of an attempt may
   * be read before its middle; the registrar's number shows it. A higher
   * number under the same correlation_id is an operator's retry: it revives an
   * attempt that had ended.
   */
  attemptOf(event: PublishedEvent): Attempt | null {
    const place = this.#answers.indexOf(event.correlation_id);
    if (place >= 0) {
      this.#answers = this.#answers.slice(place + 1);
      this.#open(event.correlation_id);
    }
    const attempt = this.#current;
    if (attempt === null || attempt.correlation_id !== event.correlation_id) return null;
    // From a registrar that does not number its attempts, every event counts.
    const number = Number(event.tags.attempt) || attempt.number;
    if (number < attempt.number || (attempt.ended && number === attempt.number)) return null;
    if (number > attempt.number && attempt.number > 0) attempt.revive();
    attempt.number = number;
    return attempt;
  }

  /** Has the attempt of this event come after the current one? Only for events that are not about the current one. */
  isSupersededBy(event: PublishedEvent): boolean {
    return this.#current !== null && event.supersedes.includes(this.#current.correlation_id);
  }

  #open(correlation_id: string): Attempt {
    this.#current?.supersede();
    this.#current = new Attempt(correlation_id);
    return this.#current;
  }
}
