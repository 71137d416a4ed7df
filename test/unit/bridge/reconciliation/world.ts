import type { StuckRun } from '../../../../src/runs/stuck-runs.js';
import type { LastingRow } from '../../../../src/registry/rows/page-lasting.js';
import { fakeDatabase } from '../fake-database.js';
import { fakeTemporal } from '../fake-temporal.js';
import { bridgeWorld, shipped } from '../support.js';
import { fakeConsul, type Shown } from './fake-consul.js';

/** A node's row in the registry. */
export const row = (node_id: string, changes: Partial<LastingRow> = {}): LastingRow => ({
  node_id,
  node_type: 'effect',
  node_version: '1.2.3',
  state: 'ACTIVE',
  attempt: 1,
  endpoints: { health: 'http://10.0.0.1:8080/health' },
  ...changes,
});

export interface WorldOfBoth {
  /** Attempts that last, in the order of their node ids. */
  readonly lasting?: LastingRow[];
  /** Nodes with a lease and without a row. */
  readonly leases?: readonly string[];
  /** Rows of any kind, asked for by their node ids: ended at some time, or not. */
  readonly rows?: readonly { readonly node_id: string; readonly attempt: number; readonly ended_at: string | null }[];
  readonly shown?: Shown[];
  /** What Consul shows from the second look on; by default the same. */
  readonly shownLater?: readonly Shown[];
  /** Runs that cannot go on. */
  readonly stuck?: readonly StuckRun[] | Error;
  /** Workflow ids of nodes without a run. */
  readonly without?: readonly string[];
}

/** A registry and a Consul, and a Temporal that runs the nodes. */
export function worldOfBoth({
  lasting = [],
  leases = [],
  rows = [],
  shown = [],
  shownLater,
  stuck = [],
  without = [],
}: WorldOfBoth) {
  const database = fakeDatabase({
    lasting: [
      'select node_id, node_type, node_version, state',
      ([after, limit]) => ({
        rows: lasting.filter(({ node_id }) => node_id > String(after)).slice(0, Number(limit)),
      }),
    ],
    leases: ['select node_id from node_leases', () => ({ rows: leases.map((node_id) => ({ node_id })) })],
    rows: ['r.node_id = any', ([ids]) => ({ rows: rows.filter(({ node_id }) => (ids as string[]).includes(node_id)) })],
    stored: ['insert into reconciliations (', () => ({ rowCount: 1 })],
    kept: ['insert into registrar_actions (', () => ({ rowCount: 1 })],
    purged: ['delete from registrar_actions', () => ({ rowCount: 0 })],
    failed: ['insert into reconciliations as held', () => ({ rowCount: 1 })],
  });
  const consul = fakeConsul(shown, shownLater);
  const temporal = fakeTemporal({ without });
  const bridge = bridgeWorld({ temporalClient: temporal.client, pool: database.pool });
  const contracts = shipped();
  const compared = {
    pool: database.pool,
    consul: consul.client,
    contract: contracts.compiled,
    environment: 'dev',
    stuckRuns: () => (stuck instanceof Error ? Promise.reject(stuck) : Promise.resolve(stuck)),
  };
  return { ...bridge, contracts, database, consul, temporal, compared };
}
