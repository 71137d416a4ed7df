import type { Activity } from './api/activity.js';
import type { FleetNode, RowDetail } from './api/fleet.js';
import type { Health } from './api/health.js';
import type { EarlierRunView, NodeView } from './api/node.js';

/** What the fleet is kept from, before the server says who needs a look. */
export type FleetRow = Omit<FleetNode, 'look'>;

/** An answer of the registry. */
export interface FleetRead {
  /** The database's clock, milliseconds since 1970. */
  readonly at: number;
  /** true: `rows` are all there are. false: those that may have changed since the read before. */
  readonly whole: boolean;
  readonly rows: readonly FleetRow[];
  /** Every node whose lease has run out and is not expired, with what its lease says. */
  readonly silent: readonly { readonly id: string; readonly lease: number; readonly beat: number | null }[];
  /** Ids of the nodes under whose id another process sends heartbeats. */
  readonly conflicts: readonly string[];
  /** Ids of the nodes in whose name something came of late that their key has not signed. */
  readonly key_conflicts: readonly string[];
}

/** What Temporal knows of a node that the registry does not: on its way, or not recorded yet. */
export interface OpenRun {
  readonly id: string;
  readonly type: string | null;
  readonly state: string;
  readonly since: number;
}

/** Where the page's data come from; the tests have one without servers. */
export interface Sources {
  /**
   * Reads the registry.
   *
   * @param since the `at` of the read before; null for everything
   */
  readFleet(since: number | null): Promise<FleetRead>;
  /** Nodes on their way, from Temporal's list; null when it does not answer: what was known of them stays. */
  openRuns(): Promise<readonly OpenRun[] | null>;
  /** @param nodes visible rows, at most a screen of them */
  rowDetails(nodes: readonly FleetNode[]): Promise<readonly RowDetail[]>;
  /**
   * Everything about one node, from every source that answers.
   *
   * @returns null when no source knows it
   */
  node(id: string, known: FleetNode | null): Promise<NodeView | null>;
  health(): Health;
  /** What people asked for, newest first. */
  activity(): Promise<Activity>;
  /** A run of the node that has ended; null: Temporal has no such run of it. */
  earlierRun(id: string, run_id: string): Promise<EarlierRunView | null>;
  close(): Promise<void>;
}

/** A person's wish. */
export interface Wish {
  readonly who: string;
  readonly why: string;
}

/** What people may do to a node; `ban` evicts it too. */
export const NODE_ACTIONS = ['acknowledge', 'retry', 'drain', 'undrain', 'evict', 'ban', 'unban'] as const;
type NodeAction = (typeof NODE_ACTIONS)[number];

/** What people may do; each answers in a sentence what became of it, and throws the reason of a refusal. */
export interface Actions extends Readonly<Record<NodeAction, (node: string, wish: Wish) => Promise<string>>> {
  /** @param most how many nodes the person knows to be gone: more do not expire by this */
  readonly release: (wish: Wish, most: number) => Promise<string>;
  /** @param letter a dead letter's id */
  readonly replay: (letter: string, wish: Wish) => Promise<string>;
}
