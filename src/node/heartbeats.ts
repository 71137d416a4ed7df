import { pause } from './backoff.js';

/** The first beat comes no later than this, whatever the interval: the registrar's first deadline is short. */
const FIRST_WITHIN_SECONDS = 10;

/**
 * Calls `beat` at an interval; the first time after a random part of it, so
 * that nodes that started together do not beat together.
 */
export class Heartbeats {
  readonly #beat: () => Promise<void>;
  #running: { readonly interval_seconds: number; readonly stop: AbortController } | undefined;

  /** @param beat must not reject */
  constructor(beat: () => Promise<void>) {
    this.#beat = beat;
  }

  /** Begins, or goes on at another interval; does nothing where it already runs at this one. */
  run(interval_seconds: number): void {
    if (this.#running?.interval_seconds === interval_seconds) return;
    this.stop();
    this.#running = { interval_seconds, stop: new AbortController() };
    void this.#loop(interval_seconds, this.#running.stop.signal);
  }

  stop(): void {
    this.#running?.stop.abort();
    this.#running = undefined;
  }

  async #loop(interval_seconds: number, signal: AbortSignal): Promise<void> {
    let due = Date.now() + Math.random() * Math.min(interval_seconds, FIRST_WITHIN_SECONDS) * 1_000;
    while (await pause(Math.max(0, due - Date.now()), signal)) {
      await this.#beat();
      // Beats that a slow send has made late are left out, not made up for.
      due = Math.max(due + interval_seconds * 1_000, Date.now());
    }
  }
}

/** Measures this process for a heartbeat. */
export class ProcessGauge {
  #cpu = process.cpuUsage();
  #since = performance.now();

  read(): { readonly memory_usage_mb: number; readonly cpu_usage_percent: number } {
    const used = process.cpuUsage(this.#cpu);
    const now = performance.now();
    const share = ((used.user + used.system) / 1_000 / Math.max(1, now - this.#since)) * 100;
    this.#cpu = process.cpuUsage();
    this.#since = now;
    // More than one core's worth is 100 % to the registrar.
    return {
      memory_usage_mb: Math.round(process.memoryUsage.rss() / 1_048_576),
      cpu_usage_percent: Math.min(100, Math.round(share)),
    };
  }
}
