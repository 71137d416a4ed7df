import type { ListedNode } from '../../../../src/registry/rows/listed-node.js';
import type { RegistryReader } from '../../../../src/server/v1/registry-reader.js';

const TIME = '2026-01-31T12:00:00.000Z';

export function listed(node_id: string, changes: Partial<ListedNode> = {}): ListedNode {
  return {
    node_id,
    node_type: 'effect',
    node_version: '1.2.3',
    state: 'ACTIVE',
    reducer_status: 'complete',
    attempt: 1,
    reason: null,
    state_since: TIME,
    active_at: TIME,
    ended_at: null,
    capabilities: ['mail.send'],
    tags: ['node_type:effect', 'mail.send'],
    endpoints: { api: 'http://10.0.0.9:8080/' },
    correlation_id: 'c-1',
    epoch: null,
    introspected_at: TIME,
    contract_version: '1.0.0',
    created_at: TIME,
    updated_at: TIME,
    ...changes,
  };
}

/** A registry in memory, with the order of changes that PostgreSQL keeps; `failure` is what it throws. */
export class FakeRegistry implements RegistryReader {
  readonly asked: string[] = [];
  failure: Error | null = null;
  origin = '1-1';
  at = 1_000_000;
  #transaction = 10;
  readonly #rows = new Map<string, { changed: number; node: ListedNode | null }>();

  put(...nodes: readonly ListedNode[]): void {
    this.#transaction += 1;
    for (const node of nodes) this.#rows.set(node.node_id, { changed: this.#transaction, node });
  }

  remove(id: string): void {
    this.#transaction += 1;
    this.#rows.set(id, { changed: this.#transaction, node: null });
  }

  page(filter: unknown, after: string, limit: number): Promise<ListedNode[]> {
    this.asked.push(`page ${JSON.stringify(filter)}`);
    return this.#answer(() =>
      [...this.#rows.values()]
        .flatMap(({ node }) => node ?? [])
        .filter(({ node_id }) => node_id > after)
        .sort((a, b) => (a.node_id < b.node_id ? -1 : 1))
        .slice(0, limit),
    );
  }

  node(id: string) {
    const node = this.#rows.get(id)?.node ?? null;
    return this.#answer(() => (node === null ? null : { node, lease: { deadline: TIME, last_heartbeat_at: null } }));
  }

  changesEnd() {
    return this.#answer(() => ({ origin: this.origin, before: String(this.#transaction + 1), at: this.at }));
  }

  changes(after: { transaction: string; node_id: string }, before: string, limit: number) {
    this.asked.push(`changes after ${after.transaction}`);
    const from = Number(after.transaction);
    return this.#answer(() =>
      [...this.#rows.entries()]
        .filter(([id, { changed }]) => changed > from || (changed === from && id > after.node_id))
        .filter(([, { changed }]) => changed < Number(before))
        .sort(([a, one], [b, other]) => one.changed - other.changed || (a < b ? -1 : 1))
        .slice(0, limit)
        .map(([node_id, { changed, node }]) => ({ place: { transaction: String(changed), node_id }, node })),
    );
  }

  #answer<T>(work: () => T): Promise<T> {
    return this.failure === null ? Promise.resolve(work()) : Promise.reject(this.failure);
  }
}
