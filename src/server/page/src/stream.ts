import type { Chunk, Delta, Hello, History, Pulse } from '../../api/fleet.js';
import type { FleetStore } from './store.js';

/** Two pings of the server and a little more: who is silent for longer is not there. */
const SILENCE_MS = 35_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;
/** A browser has six connections to one server; a page that nobody sees gives its own back. */
const HIDDEN_MS = 30_000;

/** Follows the server's stream for ever; comes back to where it was. */
export class StreamReader {
  readonly #store: FleetStore;
  #source: EventSource | null = null;
  #cursor = '';
  #failures = 0;
  #retry: number | undefined;
  #watch: number | undefined;
  #hide: number | undefined;

  constructor(store: FleetStore) {
    this.#store = store;
  }

  start(): void {
    document.addEventListener('visibilitychange', () => {
      clearTimeout(this.#hide);
      if (document.hidden) this.#hide = window.setTimeout(() => this.#close(), HIDDEN_MS);
      else if (this.#source === null) this.reconnect();
    });
    this.#connect();
  }

  /** At once, whatever pause was left. */
  reconnect(): void {
    clearTimeout(this.#retry);
    this.#close();
    this.#connect();
  }

  #connect(): void {
    const source = new EventSource(
      `/api/stream${this.#cursor === '' ? '' : `?cursor=${encodeURIComponent(this.#cursor)}`}`,
    );
    this.#source = source;
    const on = <T>(name: string, handle: (data: T) => void): void =>
      source.addEventListener(name, (event: MessageEvent<string>) => {
        this.#arrived();
        if (event.lastEventId !== '') this.#cursor = event.lastEventId;
        handle(JSON.parse(event.data) as T);
      });
    on<Hello>('hello', (hello) => this.#store.greet(hello));
    on<Chunk>('rows', (chunk) => this.#store.fill(chunk));
    on<Record<string, never>>('ready', () => {
      this.#failures = 0;
      this.#store.ready();
    });
    on<Delta>('delta', (delta) => this.#store.change(delta));
    on<History>('history', (history) => this.#store.setFrame({ history }));
    on<Pulse>('pulse', (pulse) =>
      // A server that has not read the registry yet is live all the same: it says why.
      this.#store.setFrame({ pulse, ...(pulse.registry_failure === null ? {} : { line: { kind: 'live' } as const }) }),
    );
    source.onerror = () => this.#broken();
    this.#arrived();
  }

  #arrived(): void {
    this.#store.heardAt = Date.now();
    clearTimeout(this.#watch);
    this.#watch = window.setTimeout(() => this.#broken(), SILENCE_MS);
  }

  #broken(): void {
    this.#close();
    this.#failures += 1;
    const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#failures);
    // Pages that were cut off together do not come back together.
    const pause = longest * (0.5 + Math.random() / 2);
    const since = this.#store.line.kind === 'broken' ? this.#store.line.since : Date.now();
    this.#store.setFrame({ line: { kind: 'broken', since, retryAt: Date.now() + pause } });
    clearTimeout(this.#retry);
    this.#retry = window.setTimeout(() => this.#connect(), pause);
  }

  #close(): void {
    clearTimeout(this.#watch);
    this.#source?.close();
    this.#source = null;
  }
}
