import pg from 'pg';
import type { Lease, RegistryRow, RowWrite } from '../snapshot.js';

/** Notes every write to the registry's table: what a later write has hidden is still known. */
const NOTES = `
  create schema chaos;
  create table chaos.writes (
    sequence bigserial primary key, at timestamptz not null default clock_timestamp(),
    node_id text not null, attempt integer not null, state text not null, ended_at timestamptz);
  create function chaos.note() returns trigger language plpgsql security definer as $$
  begin
    insert into chaos.writes (node_id, attempt, state, ended_at)
    values (new.node_id, new.attempt, new.state, new.ended_at);
    return null;
  end $$;
  create trigger chaos_note after insert or update on node_registrations for each row execute function chaos.note();
`;

/** Begins to note writes; answers what ends it again. */
export async function noteWrites(url: string): Promise<() => Promise<void>> {
  const run = (sql: string): Promise<unknown> => withClient(url, (client) => client.query(sql));
  const end = 'drop schema if exists chaos cascade';
  await run(end);
  await run(NOTES);
  return async () => void (await run(end));
}

export interface Registry {
  readonly rows: readonly RegistryRow[];
  readonly leases: readonly Lease[];
  readonly writes: readonly RowWrite[];
}

/** Reads what the registry holds of nodes whose ids begin with a prefix. */
export function readRegistry(url: string, prefix: string): Promise<Registry> {
  const milliseconds = (column: string): string =>
    `(extract(epoch from ${column}) * 1000)::double precision as ${column}`;
  return withClient(url, async (client) => {
    const [rows, leases, writes] = [
      await client.query<RegistryRow>(
        `select node_id, state, attempt, reason, ${milliseconds('ended_at')}, correlation_id, node_version,
           capabilities, endpoints
         from node_registrations where starts_with(node_id, $1)`,
        [prefix],
      ),
      await client.query<Lease>(
        `select node_id, attempt, ${milliseconds('deadline')}, ${milliseconds('expired_at')}
         from node_leases where starts_with(node_id, $1)`,
        [prefix],
      ),
      await client.query<RowWrite>(
        `select sequence::integer, ${milliseconds('at')}, node_id, attempt, state, ${milliseconds('ended_at')}
         from chaos.writes where starts_with(node_id, $1) order by sequence`,
        [prefix],
      ),
    ];
    return { rows: rows.rows, leases: leases.rows, writes: writes.rows };
  });
}

async function withClient<T>(connectionString: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 5_000 });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
