import type { BackendHealth, Minute } from '../api/health.js';
import { errorText } from '../../error-text.js';

const MINUTE = 60_000;
const MINUTES = 60;

export interface ProbeOptions {
  readonly name: string;
  /** Where it is, for people; without a password. */
  readonly address: string;
  /** One question that shows that the backend can do its work; throws with its words when it cannot. */
  readonly check: () => Promise<void>;
  /** A slower answer makes a minute slow. Milliseconds. */
  readonly slowMs: number;
  /** What to do when it fails, in a sentence. */
  readonly todo: string;
}

/** Asks a backend again and again, and remembers an hour of its answers. */
export class Probe {
  readonly #options: ProbeOptions;
  readonly #minutes: Minute[] = Array<Minute>(MINUTES).fill(null);
  #minute = Math.floor(Date.now() / MINUTE);
  #latencies: { readonly at: number; readonly ms: number }[] = [];
  #failingSince: number | null = null;
  #failure: string | null = null;
  #asked = false;

  constructor(options: ProbeOptions) {
    this.#options = options;
  }

  /** Asks once. Never throws: a failure is what it looks for. */
  async look(): Promise<void> {
    const begun = performance.now();
    try {
      await this.#options.check();
      const ms = performance.now() - begun;
      this.#latencies.push({ at: Date.now(), ms });
      this.#failingSince = null;
      this.#failure = null;
      this.#remember(ms > this.#options.slowMs ? 'slow' : 'ok');
    } catch (error) {
      this.#failingSince ??= Date.now();
      this.#failure = errorText(error);
      this.#remember('failed');
    }
    this.#asked = true;
    this.#latencies = this.#latencies.filter(({ at }) => at > Date.now() - MINUTE);
  }

  read(): BackendHealth {
    const { name, address, todo } = this.#options;
    const sorted = this.#latencies.map(({ ms }) => ms).sort((a, b) => a - b);
    const at = (share: number): number | null =>
      sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? null;
    return {
      name,
      address,
      verdict: !this.#asked ? 'unknown' : this.#failure === null ? 'ok' : 'look',
      p50: at(0.5),
      p99: at(0.99),
      failing_since: this.#failingSince,
      failure: this.#failure,
      minutes: [...this.#minutes],
      todo: this.#failure === null ? null : todo,
    };
  }

  /** The worst answer of a minute is the minute's. */
  #remember(answer: Exclude<Minute, null>): void {
    const minute = Math.floor(Date.now() / MINUTE);
    for (; this.#minute < minute; this.#minute += 1) {
      this.#minutes.push(null);
      this.#minutes.shift();
    }
    const order: readonly Minute[] = [null, 'ok', 'slow', 'failed'];
    const last = this.#minutes.at(-1) ?? null;
    if (order.indexOf(answer) > order.indexOf(last)) this.#minutes[MINUTES - 1] = answer;
  }
}
