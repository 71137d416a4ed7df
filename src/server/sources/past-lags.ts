/** A backlog is worth a look when it lasts for so long, as with the alert RegistrarLagGrows. Milliseconds. */
const LASTS = 300_000;

/** The lags of the last five minutes. */
export class PastLags {
  readonly #topics = new Map<string, { readonly at: number; readonly lag: number }[]>();

  /** Keeps a lag. @returns the lag of five minutes ago; null where it is not known */
  before(topic: string, lag: number | null, now: number): number | null {
    const kept = this.#topics.get(topic) ?? [];
    if (lag !== null) kept.push({ at: now, lag });
    this.#topics.set(topic, kept);
    while ((kept[1]?.at ?? now) <= now - LASTS) kept.shift();
    const [oldest] = kept;
    return oldest !== undefined && oldest.at <= now - LASTS ? oldest.lag : null;
  }
}
