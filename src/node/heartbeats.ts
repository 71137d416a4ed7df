import { buildHeartbeat } from '../protocol/heartbeat.js';
import type { Attempts } from './attempts.js';
import { pause } from './backoff.js';
import type { CheckedDescription } from './options.js';
import type { Reporter } from './reporter.js';
import type { Sender } from './sender.js';

/** The first beat comes no later than this, whatever the interval: the registrar's first deadline is short. */
const FIRST_WITHIN_SECONDS = 10;

/**
 * Calls `beat` at an interval; the first time after a random part of it, so
 * that nodes that started together do not beat together.
 */
export class HeartbeatLoop {
  #running: { readonly interval_seconds: number; readonly stop: AbortController } | undefined;

  /** @param beat must not reject */
  constructor(private readonly beat: () => Promise<void>) {}

  /** Begins, or goes on at another interval; does nothing where it already runs at this one. */
  run(interval_seconds: number): void {
    if (this.#running?.interval_seconds === interval_seconds) return;
    this.stop();
    this.#running = { interval_seconds, stop: new AbortController() };
    void this.#loop(interval_seconds, this.#running.stop.signal);
  }

  /** No beat begins from now on. */
  stop(): void {
    this.#running?.stop.abort();
    this.#running = undefined;
  }

  async #loop(interval_seconds: number, signal: AbortSignal): Promise<void> {
    // A wall clock that is set back would end the beats for as long.
    let due = performance.now() + Math.random() * Math.min(interval_seconds, FIRST_WITHIN_SECONDS) * 1_000;
    while (await pause(Math.max(0, due - performance.now()), signal)) {
      await this.beat();
      // Beats that a slow send has made late are left out, not made up for.
      due = Math.max(due + interval_seconds * 1_000, performance.now());
    }
  }
}

/** Makes and sends a node's heartbeats. */
export class HeartbeatSender {
  #startedAt = performance.now();
  readonly #usage = new ProcessUsage();

  constructor(
    private readonly description: CheckedDescription,
    private readonly attempts: Attempts,
    private readonly activeOperations: () => number,
    private readonly sender: Sender,
    private readonly reporter: Reporter,
  ) {}

  /** The node starts now: its uptime counts from here. */
  started(): void {
    this.#startedAt = performance.now();
  }

  /** One heartbeat under the current attempt's correlation_id. Never rejects. */
  async send(): Promise<void> {
    const correlation_id = this.attempts.current?.correlation_id;
    if (correlation_id === undefined) return;
    const { node_id, node_type, node_version } = this.description;
    const at = new Date();
    const uptime_seconds = Math.round((performance.now() - this.#startedAt) / 1_000);
    const active_operations_count = this.#countOperations();
    const record = buildHeartbeat(
      {
        node_id,
        node_type,
        node_version,
        correlation_id,
        uptime_seconds,
        active_operations_count,
        ...this.#usage.read(),
      },
      at,
    );
    if (await this.sender.send('heartbeat', record)) this.reporter.emit('heartbeat', { correlation_id, at });
  }

  #countOperations(): number {
    try {
      const count = this.activeOperations();
      if (Number.isSafeInteger(count) && count >= 0) return count;
      this.reporter.problem(
        `cannot count its active operations: activeOperations() gave ${String(count)}, expected a whole number from 0`,
      );
    } catch (error) {
      this.reporter.problem('cannot count its active operations: activeOperations() failed', error);
    }
    return 0;
  }
}

/** Measures this process for a heartbeat. */
class ProcessUsage {
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
