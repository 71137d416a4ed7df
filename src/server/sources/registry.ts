import { nodesWithKeyConflict } from '../../registry/keys/bound-keys.js';
import { conflictingNodes } from '../../registry/leases/read-conflicts.js';
import type { Sql } from '../../registry/pool.js';
import type { NodeFacts } from '../api/node.js';
import type { FleetRead, FleetRow } from '../source.js';

/** A transaction may commit after a read and still have begun before it: so much is read twice. Seconds. */
const OVERLAP_SECONDS = 15;
/** A bridge notes a conflict of keys once a minute: without another note for so long it is over. Seconds. */
const KEY_CONFLICT_LASTS = 120;

/** Times leave the database as milliseconds, so that nothing is parsed ten thousand times. */
const millis = (column: string): string => `(extract(epoch from ${column}) * 1000)::bigint`;

/** @param reason lists have it cut; one more than they show, so that they see that it was longer */
const rowQuery = (reason = 'left(r.reason, 301)'): string => `
  select r.node_id as id, r.node_type as type, r.node_version as version, r.state, ${reason} as reason,
    r.attempt, ${millis('r.state_since')} as since, ${millis('r.ended_at')} as ended, r.reducer_status as reducer,
    null::integer as round, ${millis('r.ack_deadline')} as ack_deadline,
    ${millis('l.deadline')} as lease, ${millis('l.last_heartbeat_at')} as beat, true as recorded
  from node_registrations r
  left join node_leases l on l.node_id = r.node_id and l.attempt = r.attempt and l.expired_at is null`;

/**
 * Reads what may have changed. The whole registry is one statement too, and is read seldom.
 *
 * @param since the `at` of the read before, milliseconds; null for everything
 * @param lease_seconds another process that was not seen for so long is gone
 */
export async function readRegistered(sql: Sql, since: number | null, lease_seconds: number): Promise<FleetRead> {
  const now = await sql.query<{ at: number }>(`select ${millis('now()')} as at`);
  const rows =
    since === null
      ? await sql.query<FleetRow>(rowQuery())
      : await sql.query<FleetRow>(
          `${rowQuery()} where r.updated_at > to_timestamp($1::float8 / 1000) - make_interval(secs => $2)`,
          [since, OVERLAP_SECONDS],
        );
  const silent = await sql.query<FleetRead['silent'][number]>(
    `select node_id as id, ${millis('deadline')} as lease, ${millis('last_heartbeat_at')} as beat
     from node_leases where expired_at is null and deadline < now()`,
  );
  const conflicts = await conflictingNodes(sql, lease_seconds);
  return {
    at: now.rows[0]?.at ?? Date.now(),
    whole: since === null,
    rows: rows.rows,
    silent: silent.rows,
    conflicts,
    key_conflicts: await nodesWithKeyConflict(sql, KEY_CONFLICT_LASTS),
  };
}

/** Leases of some nodes. */
export async function readLeases(
  sql: Sql,
  ids: readonly string[],
): Promise<ReadonlyMap<string, { readonly lease: number; readonly beat: number | null }>> {
  if (ids.length === 0) return new Map();
  const { rows } = await sql.query<{ id: string; lease: number; beat: number | null }>(
    `select node_id as id, ${millis('deadline')} as lease, ${millis('last_heartbeat_at')} as beat
     from node_leases where node_id = any($1) and expired_at is null`,
    [ids],
  );
  return new Map(rows.map(({ id, ...lease }) => [id, lease]));
}

/** One node's row, with what only its own page shows; null if there is none. */
export async function readNode(
  sql: Sql,
  id: string,
): Promise<{ readonly row: FleetRow; readonly facts: NodeFacts } | null> {
  const [rows, facts] = [
    await sql.query<FleetRow>(`${rowQuery('r.reason')} where r.node_id = $1`, [id]),
    await sql.query<NodeFacts>(
      `select r.correlation_id, r.epoch, r.capabilities, r.endpoints, r.contract_version,
         ${millis('r.introspected_at')} as introspected_at, ${millis('r.active_at')} as active_at, l.instance_id
       from node_registrations r
       left join node_leases l using (node_id, attempt)
       where r.node_id = $1`,
      [id],
    ),
  ];
  const [row] = rows.rows;
  const [found] = facts.rows;
  return row === undefined || found === undefined ? null : { row, facts: found };
}

/** How far each partition of the topics is stored: milliseconds behind the database's clock, by topic. */
export async function readBehind(sql: Sql): Promise<ReadonlyMap<string, readonly number[]>> {
  const { rows } = await sql.query<{ topic: string; behind: number[] }>(
    `select topic,
       array_agg(greatest(0, extract(epoch from now() - watermark) * 1000)::float8 order by partition) as behind
     from stream_watermarks group by topic`,
  );
  return new Map(rows.map(({ topic, behind }) => [topic, behind]));
}
