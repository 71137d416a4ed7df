import type { Delta, FleetNode, HeldBack, LookReason } from '../../server/api/fleet.js';
import type { Health } from '../../server/api/health.js';

interface OfNode {
  /** ISO 8601. */
  readonly at: string;
  readonly node_id: string;
}

/** Something that happened while somebody watched. */
export type WatchEvent =
  /** How the fleet is when the watch begins. */
  | {
      readonly at: string;
      readonly kind: 'fleet';
      readonly nodes: number;
      readonly states: Readonly<Record<string, number>>;
    }
  /** How a node is that was named, when the watch begins. */
  | (OfNode & { readonly kind: 'is'; readonly node_type: string; readonly state: string; readonly attempt: number })
  | (OfNode & { readonly kind: 'unknown' })
  | (OfNode & { readonly kind: 'new'; readonly node_type: string; readonly state: string; readonly attempt: number })
  | (OfNode & {
      readonly kind: 'state';
      readonly node_type: string;
      readonly from: string;
      readonly to: string;
      readonly attempt: number;
      readonly reason: string | null;
    })
  /** Somebody should look at it, or need not any more. */
  | (OfNode & { readonly kind: 'look'; readonly was: LookReason | null; readonly look: LookReason | null })
  /** Its row was removed: it had ended long ago. */
  | (OfNode & { readonly kind: 'gone' })
  | {
      readonly at: string;
      readonly kind: 'server';
      readonly server: string;
      readonly answers: boolean;
      readonly failure: string | null;
    }
  | {
      readonly at: string;
      readonly kind: 'self_preservation';
      readonly holds: boolean;
      readonly gone: number;
      readonly of: number;
    }
  | {
      readonly at: string;
      readonly kind: 'dead_letter';
      readonly id: string;
      readonly node_id: string | null;
      readonly reason: string;
    };

/** A server that does not answer. */
export interface Trouble {
  readonly server: string;
  /** Milliseconds since 1970. */
  readonly since: number;
  readonly words: string;
}

/** What is looked at besides the fleet. */
export interface WatchContext {
  readonly health: Pick<Health, 'backends' | 'dead_letters'>;
  readonly registry_failure: { readonly since: number; readonly words: string } | null;
  readonly held: HeldBack | null;
}

/** The name under which the registry's server is probed. */
const REGISTRY = 'PostgreSQL';

/** Turns what is read of the fleet into what happened: it remembers how everything was before. */
export class WatchedFleet {
  readonly #only: ReadonlySet<string> | null;
  readonly #began: number;
  readonly #nodes = new Map<string, FleetNode>();
  readonly #letters = new Set<string>();
  #troubles = new Map<string, Trouble>();
  #held: HeldBack | null = null;

  /**
   * @param only the nodes that are watched; null for all
   * @param began milliseconds since 1970: what is older did not happen while somebody watched
   */
  constructor(only: ReadonlySet<string> | null, began: number) {
    this.#only = only;
    this.#began = began;
  }

  get nodes(): readonly FleetNode[] {
    return [...this.#nodes.values()];
  }

  /** Those that were named and are not known. */
  get unknown(): readonly string[] {
    return [...(this.#only ?? [])].filter((id) => !this.#nodes.has(id));
  }

  get troubles(): readonly Trouble[] {
    return [...this.#troubles.values()];
  }

  get held(): HeldBack | null {
    return this.#held;
  }

  /** The fleet as it is when the watch begins. */
  begin(nodes: readonly FleetNode[]): WatchEvent[] {
    for (const node of nodes) if (this.#isWatched(node.id)) this.#nodes.set(node.id, node);
    const at = new Date(this.#began).toISOString();
    if (this.#only === null) {
      const states: Record<string, number> = {};
      for (const { state } of nodes) states[state] = (states[state] ?? 0) + 1;
      return [{ at, kind: 'fleet', nodes: nodes.length, states }];
    }
    return [...this.#only].map((node_id): WatchEvent => {
      const node = this.#nodes.get(node_id);
      if (node === undefined) return { at, kind: 'unknown', node_id };
      return { at, kind: 'is', node_id, node_type: node.type, state: node.state, attempt: node.attempt };
    });
  }

  /** What has become of the nodes. */
  apply({ added, changed, gone }: Delta, now: number): WatchEvent[] {
    const events: WatchEvent[] = [];
    for (const node of added) {
      if (!this.#isWatched(node.id)) continue;
      this.#nodes.set(node.id, node);
      const { id: node_id, type: node_type, state, attempt } = node;
      events.push({ at: iso(node.since), kind: 'new', node_id, node_type, state, attempt });
    }
    for (const [id, fields] of changed) {
      const before = this.#nodes.get(id);
      if (before === undefined) continue;
      const node = { ...before, ...fields };
      this.#nodes.set(id, node);
      events.push(...changeEvents(before, node, now));
    }
    for (const id of gone) if (this.#nodes.delete(id)) events.push({ at: iso(now), kind: 'gone', node_id: id });
    return events;
  }

  /** What has become of everything around the nodes. */
  look({ health, registry_failure, held }: WatchContext, now: number): WatchEvent[] {
    const failing = new Map<string, Trouble>();
    for (const { name, failing_since, failure } of health.backends)
      if (failing_since !== null) failing.set(name, { server: name, since: failing_since, words: failure ?? '' });
    // The registry is read every second, and probed less often.
    if (registry_failure !== null) failing.set(REGISTRY, { server: REGISTRY, ...registry_failure });
    const before = this.#troubles;
    this.#troubles = failing;
    const servers = [
      ...[...failing.values()]
        .filter(({ server }) => !before.has(server))
        .map(({ server, since, words }) => serverEvent(server, since, words)),
      ...[...before.keys()].filter((server) => !failing.has(server)).map((server) => serverEvent(server, now, null)),
    ];
    return [...servers, ...this.#lookAtHold(held, now), ...this.#newLetters(health.dead_letters)];
  }

  #lookAtHold(held: HeldBack | null, now: number): WatchEvent[] {
    const before = this.#held;
    this.#held = held;
    if ((held === null) === (before === null)) return [];
    const { gone, of } = held ?? before ?? { gone: 0, of: 0 };
    return [{ at: iso(held?.since ?? now), kind: 'self_preservation', holds: held !== null, gone, of }];
  }

  #newLetters(letters: Health['dead_letters']): WatchEvent[] {
    return letters
      .filter(({ id, at, node_id }) => {
        const isNew = at >= this.#began && !this.#letters.has(id);
        this.#letters.add(id);
        return isNew && (this.#only === null || (node_id !== null && this.#only.has(node_id)));
      })
      .map(({ id, at, node_id, reason }) => ({ at: iso(at), kind: 'dead_letter', id, node_id, reason }) as const);
  }

  #isWatched(id: string): boolean {
    return this.#only === null || this.#only.has(id);
  }
}

function changeEvents(before: FleetNode, node: FleetNode, now: number): WatchEvent[] {
  const { id: node_id, type: node_type, attempt, reason } = node;
  // A node that only Temporal knew has its row now: no attempt of it has begun by that.
  const begins = before.recorded && before.attempt !== attempt;
  if (before.state !== node.state || begins)
    return [
      { at: iso(node.since), kind: 'state', node_id, node_type, from: before.state, to: node.state, attempt, reason },
    ];
  const { look } = node;
  const was = before.look;
  // That it ended was an event of its own; that this was an hour ago is none.
  if (look === was || look === 'ended' || was === 'ended') return [];
  return [{ at: iso(now), kind: 'look', node_id, was, look }];
}

function serverEvent(server: string, at: number, failure: string | null): WatchEvent {
  return { at: iso(at), kind: 'server', server, answers: failure === null, failure };
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
