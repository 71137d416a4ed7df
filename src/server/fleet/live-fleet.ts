import type { ContractView } from '../api/contract.js';
import type { FleetNode, HeldBack, History, Pulse } from '../api/fleet.js';
import type { Sources } from '../source.js';
import { RecentDeltas, type Numbered } from './changes.js';
import { ServedFleet } from './fleet.js';
import { errorText } from '../../error-text.js';
import { CountHistory } from './history.js';

/** A page that looks. */
export interface Listener {
  readonly delta: (numbered: Numbered) => void;
  readonly history: (history: History) => void;
  readonly pulse: (pulse: Pulse) => void;
  /** The fleet is known for the first time. */
  readonly loaded: () => void;
}

export interface LiveFleetOptions {
  /** From read to read, milliseconds. Default 1000. */
  readonly everyMs?: number;
  /** Reads until everything is read again, deletions included. Default 60. */
  readonly wholeEvery?: number;
  /** Reads from one question to Temporal to the next. Default 5. */
  readonly runsEvery?: number;
  /** What to do when the registry does not answer, in a sentence. */
  readonly registryTodo: string;
}

/** Keeps the fleet by asking the registry again and again, and sends to every listener what has changed. */
export class LiveFleet {
  readonly #sources: Sources;
  readonly #fleet: ServedFleet;
  readonly #options: Required<LiveFleetOptions>;
  readonly #deltas = new RecentDeltas();
  readonly #history = new CountHistory();
  readonly #listeners = new Set<Listener>();
  #failure: Pulse['registry_failure'] = null;
  #lastPulse = '';
  #timer: NodeJS.Timeout | undefined;
  #reads = 0;
  #working: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(sources: Sources, contract: ContractView, options: LiveFleetOptions) {
    this.#sources = sources;
    this.#fleet = new ServedFleet(contract);
    this.#options = { everyMs: 1_000, wholeEvery: 60, runsEvery: 5, ...options };
  }

  get isLoaded(): boolean {
    return this.#fleet.at !== null;
  }

  get sequence(): number {
    return this.#deltas.sequence;
  }

  get nodes(): readonly FleetNode[] {
    return this.#fleet.nodes;
  }

  get(id: string): FleetNode | undefined {
    return this.#fleet.get(id);
  }

  history(): History {
    return { states: this.#history.read() };
  }

  missedSince(sequence: number): readonly Numbered[] | null {
    return this.#deltas.since(sequence);
  }

  /** @returns what ends it */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  start(): void {
    const again = (): void => {
      if (this.#closed) return;
      this.#working = this.read().finally(() => {
        if (!this.#closed) this.#timer = setTimeout(again, this.#options.everyMs);
      });
    };
    again();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#working;
  }

  /** Reads once, and sends what is new. Never throws: what fails is shown on every page. */
  async read(): Promise<void> {
    const { wholeEvery, runsEvery } = this.#options;
    const wasLoaded = this.isLoaded;
    try {
      const runs = this.#reads % runsEvery === 0 ? await this.#sources.openRuns() : null;
      if (runs !== null) this.#fleet.knowRuns(runs);
      const whole = this.#reads % wholeEvery === 0;
      const delta = this.#fleet.apply(await this.#sources.readFleet(whole ? null : this.#fleet.at));
      this.#reads += 1;
      this.#failure = null;
      if (wasLoaded && delta !== null) {
        const numbered = this.#deltas.add(delta);
        for (const { delta: send } of this.#listeners) send(numbered);
      }
      if (!wasLoaded) for (const { loaded } of this.#listeners) loaded();
      if (this.#history.count(Date.now(), this.#fleet.counts()))
        for (const { history } of this.#listeners) history(this.history());
    } catch (error) {
      // Everything is read again when it answers: what happened meanwhile is not known.
      this.#reads = 0;
      const { since = Date.now() } = this.#failure ?? {};
      this.#failure = { since, words: errorText(error), todo: this.#options.registryTodo };
    }
    this.#sendPulse();
  }

  pulse(): Pulse {
    const health = this.#sources.health();
    const verdicts = [
      ...health.streams,
      ...health.backends,
      ...health.parts,
      { verdict: health.dead_letters_verdict },
      ...(health.self_preservation === null ? [] : [health.self_preservation]),
    ];
    return {
      now: Date.now(),
      registry_failure: this.#failure,
      held: heldBack(health.self_preservation),
      health_problems: verdicts.filter(({ verdict }) => verdict === 'look').length,
    };
  }

  #sendPulse(): void {
    const pulse = this.pulse();
    const { now: _, ...facts } = pulse;
    const text = JSON.stringify(facts);
    if (text === this.#lastPulse) return;
    this.#lastPulse = text;
    for (const { pulse: send } of this.#listeners) send(pulse);
  }
}

function heldBack(state: ReturnType<Sources['health']>['self_preservation']): HeldBack | null {
  if (state === null || state.held_since === null || state.held_until === null) return null;
  // Counted in whole seconds, so that a pulse is sent when something has changed and not at each look.
  return {
    since: state.held_since,
    until: Math.round(state.held_until / 5_000) * 5_000,
    gone: state.gone,
    of: state.of,
  };
}
