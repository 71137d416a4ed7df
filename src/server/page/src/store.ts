import type { FleetNode, Hello, History, Pulse, RowDetail, Delta, Chunk } from '../../api/fleet.js';
import { COLUMNS } from '../../api/fleet.js';
import type { StateView } from '../../api/contract.js';

/** How the page learns of changes. */
export type Line =
  | { readonly kind: 'opening' }
  | { readonly kind: 'live' }
  | { readonly kind: 'broken'; readonly since: number; readonly retryAt: number };

type Listener = () => void;

/** Something that components can follow. */
class Topic {
  readonly #listeners = new Set<Listener>();

  readonly subscribe = (listener: Listener): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  emit(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** The fleet as the page knows it: one store outside React, so that a change draws only the rows that it concerns. */
export class FleetStore {
  readonly #nodes = new Map<string, FleetNode>();
  readonly #rowTopics = new Map<string, Topic>();
  readonly #details = new Map<string, RowDetail>();
  readonly #hay = new WeakMap<FleetNode, string>();
  #sorted: readonly string[] | null = null;
  #states: ReadonlyMap<string, StateView> = new Map();
  #clockDifference = 0;
  /** Any change of the nodes. */
  readonly fleet = new Topic();
  /** Everything but the nodes. */
  readonly frame = new Topic();
  /** Grows with each change of the nodes. */
  version = 0;
  hello: Hello | null = null;
  /** Place of each state in the machine, as the matrix has them. */
  stateOrders: ReadonlyMap<string, number> = new Map();
  pulse: Pulse | null = null;
  history: History = { states: {} };
  line: Line = { kind: 'opening' };
  loaded = false;
  /** Times as they are, instead of how long ago they were. */
  hasAbsoluteTimes = false;
  /** When the last event came, by this machine's clock. */
  heardAt = 0;

  get(id: string): FleetNode | undefined {
    return this.#nodes.get(id);
  }

  /** Self-preservation holds: nobody expires. */
  get isHeld(): boolean {
    return this.pulse !== null && this.pulse.held !== null;
  }

  /** The registry does not answer: nobody expires meanwhile. */
  get isRegistryAway(): boolean {
    return this.pulse !== null && this.pulse.registry_failure !== null;
  }

  get size(): number {
    return this.#nodes.size;
  }

  nodes(): IterableIterator<FleetNode> {
    return this.#nodes.values();
  }

  detail(id: string): RowDetail | undefined {
    return this.#details.get(id);
  }

  state(name: string): StateView | undefined {
    return this.#states.get(name);
  }

  /** The server's clock, milliseconds. */
  now(): number {
    const here = this.line.kind === 'broken' ? this.line.since : Date.now();
    return here + this.#clockDifference;
  }

  /** The time to which the registry is known: it stands still while the registry does not answer. */
  registryNow(): number {
    return Math.min(this.now(), this.pulse?.registry_failure?.since ?? Infinity);
  }

  /** All ids, sorted; kept from change to change. */
  sortedIds(): readonly string[] {
    this.#sorted ??= [...this.#nodes.keys()].sort();
    return this.#sorted;
  }

  /** What a search looks in. */
  hay(node: FleetNode): string {
    const known = this.#hay.get(node);
    if (known !== undefined) return known;
    const hay = `${node.id} ${node.type} ${node.version} ${node.state} ${node.reason ?? ''}`.toLowerCase();
    this.#hay.set(node, hay);
    return hay;
  }

  readonly subscribeRow = (id: string, listener: Listener): (() => void) => {
    let topic = this.#rowTopics.get(id);
    if (topic === undefined) this.#rowTopics.set(id, (topic = new Topic()));
    return topic.subscribe(listener);
  };

  // ---- events of the stream

  greet(hello: Hello): void {
    this.#clockDifference = hello.now - Date.now();
    this.hello = hello;
    this.#states = new Map(hello.contract.states.map((state) => [state.name, state]));
    this.stateOrders = new Map(hello.contract.states.map(({ name }, at) => [name, at]));
    if (!hello.resumed) {
      this.#nodes.clear();
      this.#sorted = null;
      this.#details.clear();
    }
    this.frame.emit();
  }

  fill({ columns }: Chunk): void {
    const rows = columns[0]?.length ?? 0;
    for (let row = 0; row < rows; row += 1) {
      const node = Object.fromEntries(COLUMNS.map((name, at) => [name, columns[at]?.[row]])) as unknown as FleetNode;
      this.#nodes.set(node.id, node);
    }
  }

  ready(): void {
    this.loaded = true;
    this.line = { kind: 'live' };
    this.#sorted = null;
    this.#changed();
    for (const topic of this.#rowTopics.values()) topic.emit();
    this.frame.emit();
  }

  change({ added, changed, gone }: Delta): void {
    const fresh = added.filter(({ id }) => !this.#nodes.has(id)).map(({ id }) => id);
    for (const node of added) this.#nodes.set(node.id, node);
    for (const [id, fields] of changed) {
      const before = this.#nodes.get(id);
      if (before !== undefined) this.#nodes.set(id, { ...before, ...fields });
    }
    for (const id of gone) this.#nodes.delete(id);
    if (this.#sorted !== null && fresh.length + gone.length > 0)
      // Most stand in order already, which makes this sort a short one.
      this.#sorted = [...this.#sorted.filter((id) => this.#nodes.has(id)), ...fresh].sort();
    for (const [id] of changed) this.#rowTopics.get(id)?.emit();
    for (const id of gone) this.#rowTopics.get(id)?.emit();
    this.#changed();
  }

  takeDetails(details: readonly RowDetail[]): void {
    for (const detail of details) {
      this.#details.set(detail.id, detail);
      this.#rowTopics.get(detail.id)?.emit();
    }
  }

  setFrame(change: Partial<Pick<FleetStore, 'pulse' | 'history' | 'line'>>): void {
    Object.assign(this, change);
    this.frame.emit();
  }

  showTimes(absolute: boolean): void {
    this.hasAbsoluteTimes = absolute;
    for (const topic of this.#rowTopics.values()) topic.emit();
    this.frame.emit();
  }

  #changed(): void {
    this.version += 1;
    this.fleet.emit();
  }
}

export const store = new FleetStore();
