import type { Client } from '@temporalio/client';
import type { Pool } from 'pg';
import type { Fleet, NodeChange } from '../../node/index.js';
import { readRegistryRows } from '../../registry/rows/read-registry-rows.js';
import type { RegistryRow } from '../../registry/rows/read-registry-row.js';
import { askStatus } from '../../runs/ask-status.js';
import { ANSWER_WITHIN_MS } from '../status/explain-node.js';
import type { States } from '../terminal/states.js';
import { shownNode, type NodeSide, type ShownNode } from './fleet-state.js';
import type { DemoStep } from './view.js';

/** What is known of the fleet: by the nodes themselves, and by the registry. */
export class FleetWatcher {
  readonly #sides = new Map<string, NodeSide>();
  #rows = new Map<string, RegistryRow>();
  #journal: readonly DemoStep[] = [];
  #own: DemoStep[] = [];
  #asking: Promise<void> | undefined;
  #askedAt = Date.now();
  #askedIn: NodeChange['state'] | null = null;

  constructor(
    private readonly fleet: Fleet,
    private readonly pool: Pool,
    private readonly temporal: Client,
    private readonly states: States,
  ) {
    const since = new Date().toISOString();
    for (const { node, node_type, steps } of fleet.members)
      this.#sides.set(node.node_id, { node_id: node.node_id, node_type, state: node.state, since, steps });
  }

  /** The node whose steps are shown: the first one. */
  get shownId(): string {
    return this.fleet.members[0]?.node.node_id ?? '';
  }

  /** A node has changed, by its own account. */
  note({ node, node_type, state, at, steps }: NodeChange): void {
    const { node_id } = node;
    this.#sides.set(node_id, { node_id, node_type, state, since: at.toISOString(), steps });
    if (node_id === this.shownId && NODE_WORDS[state] !== undefined)
      this.#own.push({ at: steps[state as keyof typeof steps] ?? at.getTime(), what: NODE_WORDS[state] });
  }

  /** Reads the registry rows of the whole fleet: one statement. */
  async readRegistry(): Promise<void> {
    const rows = await readRegistryRows(this.pool, [...this.#sides.keys()]);
    this.#rows = new Map(rows.map((row) => [row.node_id, row]));
  }

  /**
   * Asks the shown node's workflow for its history, seldom: a query is work for
   * Temporal and the worker, who are busy with the fleet. A node that has no
   * workflow any more keeps what was read last.
   */
  readSteps(now: number = Date.now()): Promise<void> {
    this.#asking ??= this.#askForSteps(now).finally(() => (this.#asking = undefined));
    return this.#asking;
  }

  async #askForSteps(now: number): Promise<void> {
    const side = this.#sides.get(this.shownId);
    const changed =
      side !== undefined &&
      side.state !== this.#askedIn &&
      !['idle', 'connecting', 'introducing', 'accepted', 'acknowledged'].includes(side.state);
    if (!changed && now - this.#askedAt < ASK_EVERY_MS) return;
    this.#askedAt = now;
    this.#askedIn = side?.state ?? null;
    const { status } = await askStatus(this.temporal, this.shownId, ANSWER_WITHIN_MS);
    if (status !== null) this.#journal = status.journal.map(({ at, what }) => ({ at: Date.parse(at), what }));
  }

  nodes(): ShownNode[] {
    return [...this.#sides.values()].map((side) => shownNode(side, this.#rows.get(side.node_id), this.states));
  }

  /** The workflow's steps among the node's own, by time. */
  steps(): DemoStep[] {
    const begun = this.#own[0]?.at ?? 0;
    // A node that was there in an earlier run has a longer history.
    return [...this.#own, ...this.#journal.filter(({ at }) => at >= begun)].sort((a, b) => a.at - b.at);
  }

  /** Ids of the nodes that have left, by the registry. */
  left(): string[] {
    return [...this.#rows.values()]
      .filter(({ ended_at, state }) => ended_at !== null && this.states.meaning(state) === 'left')
      .map(({ node_id }) => node_id);
  }
}

const ASK_EVERY_MS = 2_000;

const NODE_WORDS: Partial<Record<NodeChange['state'], string>> = {
  introducing: 'node: introduces itself',
  accepted: 'node: reads that it was accepted',
  acknowledged: 'node: has acknowledged',
  active: 'node: reads that it is active',
  leaving: 'node: leaves',
};
