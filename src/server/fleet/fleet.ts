import type { ContractView, StateView } from '../api/contract.js';
import type { Delta, FleetNode } from '../api/fleet.js';
import type { FleetRead, FleetRow, OpenRun } from '../source.js';
import { changedFields } from './changes.js';
import { lookOf, type ConflictKind } from './look.js';

/** Ended nodes are counted in the matrix for a day. */
const DAY = 86_400_000;

/** The fleet in the server's memory: one for all pages that look. */
export class ServedFleet {
  readonly #nodes = new Map<string, FleetNode>();
  readonly #rows = new Map<string, FleetRow>();
  readonly #states: ReadonlyMap<string, StateView>;
  readonly #contract: ContractView;
  #runs: ReadonlyMap<string, OpenRun> = new Map();
  #at: number | null = null;

  constructor(contract: ContractView) {
    this.#contract = contract;
    this.#states = new Map(contract.states.map((state) => [state.name, state]));
  }

  /** The database's clock at the last read; null before the first. */
  get at(): number | null {
    return this.#at;
  }

  get(id: string): FleetNode | undefined {
    return this.#nodes.get(id);
  }

  get nodes(): readonly FleetNode[] {
    return [...this.#nodes.values()];
  }

  /** How many stand in each state; those that ended more than a day ago are not counted. */
  counts(): Map<string, number> {
    const counts = new Map<string, number>();
    const now = this.#at ?? 0;
    for (const { state, ended } of this.#nodes.values())
      if (ended === null || now - ended < DAY) counts.set(state, (counts.get(state) ?? 0) + 1);
    return counts;
  }

  /** What Temporal's list knows beyond the registry; it counts with the next read. */
  knowRuns(runs: readonly OpenRun[]): void {
    this.#runs = new Map(runs.map((run) => [run.id, run]));
  }

  /**
   * Takes an answer of the registry over.
   *
   * @returns what is new for who looks; null when nothing is
   */
  apply(read: FleetRead): Delta | null {
    this.#at = read.at;
    if (read.whole) this.#rows.clear();
    for (const row of read.rows) this.#rows.set(row.id, row);
    for (const { id, lease, beat } of read.silent) {
      const row = this.#rows.get(id);
      if (row !== undefined) this.#rows.set(id, { ...row, lease, beat });
    }
    const conflicts = new Map<string, ConflictKind>([
      ...read.key_conflicts.map((id) => [id, 'key'] as const),
      ...read.conflicts.map((id) => [id, 'conflict'] as const),
    ]);
    return this.#compare(new Set(read.silent.map(({ id }) => id)), conflicts, read.at);
  }

  #compare(silent: ReadonlySet<string>, conflicts: ReadonlyMap<string, ConflictKind>, now: number): Delta | null {
    const added: FleetNode[] = [];
    const changed: (readonly [string, Partial<FleetNode>])[] = [];
    const gone: string[] = [];
    const seen = (row: FleetRow): void => {
      const next: FleetNode = { ...row, look: this.#look(row, silent.has(row.id), conflicts.get(row.id) ?? null, now) };
      const before = this.#nodes.get(row.id);
      this.#nodes.set(row.id, next);
      if (before === undefined) added.push(next);
      else {
        const fields = changedFields(before, next);
        if (fields !== null) changed.push([row.id, fields]);
      }
    };
    for (const row of this.#rows.values()) seen(this.#withRun(row));
    for (const run of this.#runs.values()) if (!this.#rows.has(run.id)) seen(unrecorded(run));
    if (this.#nodes.size > this.#rows.size)
      for (const id of this.#nodes.keys()) if (!this.#rows.has(id) && !this.#runs.has(id)) gone.push(id);
    for (const id of gone) this.#nodes.delete(id);
    return added.length + changed.length + gone.length === 0 ? null : { added, changed, gone };
  }

  /** A lease that is not among those that have run out was renewed, whatever the row said when it was read. */
  #look(row: FleetRow, silent: boolean, conflict: ConflictKind | null, now: number): FleetNode['look'] {
    const lease = silent || row.lease === null ? row.lease : Math.max(row.lease, now);
    return lookOf({ ...row, lease }, this.#states.get(row.state), this.#contract.initial, now, conflict);
  }

  /** A row says little of a node on its way; its run says more. */
  #withRun(row: FleetRow): FleetRow {
    const run = this.#runs.get(row.id);
    if (run === undefined || row.ended !== null || row.state !== this.#contract.initial || run.state === row.state)
      return row;
    // Temporal's list shows a wait for the acknowledgement from its second round on.
    return { ...row, state: run.state, round: this.#states.get(run.state)?.tone === 'waiting' ? 2 : row.round };
  }
}

function unrecorded({ id, type, state, since }: OpenRun): FleetRow {
  return {
    id,
    type: type ?? 'unknown',
    version: '',
    state,
    reason: null,
    attempt: 0,
    since,
    ended: null,
    reducer: '',
    round: null,
    ack_deadline: null,
    lease: null,
    beat: null,
    recorded: false,
  };
}
