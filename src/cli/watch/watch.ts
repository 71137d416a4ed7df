import type { RowDetail } from '../../server/api/fleet.js';
import type { LiveFleet } from '../../server/fleet/live-fleet.js';
import type { Sources } from '../../server/source.js';
import type { States } from '../terminal/states.js';
import { WatchedFleet } from './events.js';
import type { WatchScreen } from './screen.js';
import { listed, type WatchView } from './view.js';

export interface WatchOptions {
  readonly fleet: LiveFleet;
  readonly sources: Sources;
  readonly screen: WatchScreen;
  readonly states: States;
  /** The nodes that are watched; null for all. */
  readonly only: ReadonlySet<string> | null;
}

/** Leases of the visible nodes are read so often. Looks. */
const DETAILS_EVERY = 2;

/** Looks at a fleet that somebody keeps up to date, and shows what becomes of it. */
export class Watch {
  readonly #options: WatchOptions;
  readonly #watched: WatchedFleet;
  #isLoaded = false;
  #details: ReadonlyMap<string, RowDetail> = new Map();
  #looks = 0;

  constructor(options: WatchOptions, now: number = Date.now()) {
    this.#options = options;
    this.#watched = new WatchedFleet(options.only, now);
    const { fleet, screen } = options;
    fleet.listen({
      loaded: () => {
        this.#isLoaded = true;
        screen.show(this.#watched.begin(fleet.nodes));
        this.#draw();
      },
      delta: ({ delta }) => {
        screen.show(this.#watched.apply(delta, Date.now()));
        this.#draw();
      },
      history: () => undefined,
      pulse: () => undefined,
    });
  }

  /** Looks once at what is around the fleet, and now and then at the leases of the nodes that are shown. */
  async look(now: number = Date.now()): Promise<void> {
    const { fleet, sources, screen } = this.#options;
    const { registry_failure, held } = fleet.pulse();
    screen.show(this.#watched.look({ health: sources.health(), registry_failure, held }, now));
    if (screen.size !== null && registry_failure === null && this.#looks++ % DETAILS_EVERY === 0)
      await this.#readDetails(screen.size.rows, now);
    this.#draw();
  }

  async #readDetails(most: number, now: number): Promise<void> {
    const visible = listed(this.#view(), now).slice(0, most);
    try {
      const details = await this.#options.sources.rowDetails(visible);
      this.#details = new Map(details.map((detail) => [detail.id, detail]));
    } catch {
      // The registry is away: the next read of the fleet says so, and what was read last stays.
    }
  }

  #draw(): void {
    this.#options.screen.draw(() => this.#view());
  }

  #view(): Omit<WatchView, 'events'> {
    const { nodes, unknown, troubles, held } = this.#watched;
    const { states, only } = this.#options;
    return {
      nodes: this.#isLoaded ? nodes : null,
      unknown: this.#isLoaded ? unknown : [],
      details: this.#details,
      troubles,
      held,
      states,
      named: only !== null,
    };
  }
}
