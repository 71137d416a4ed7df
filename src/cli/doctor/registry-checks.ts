import type { Pool } from 'pg';
import { bridgeTopics } from '../../bridge/bridge-topics.js';
import { selfPreservationQuestion } from '../../bridge/liveness/watch-self-preservation.js';
import type { Config } from '../../config/index.js';
import type { Reconcile } from '../../contracts/compiled.js';
import type { Contracts } from '../../contracts/load.js';
import { isSwept } from '../../registry/sweep-lease.js';
import { LOWEST_WATERMARK } from '../../registry/leases/heartbeat-stream.js';
import { databaseOwner } from '../../registry/installation.js';
import { createPool } from '../../registry/pool.js';
import { readReconciliation } from '../../registry/reconciliations.js';
import { schemaVersion } from '../../registry/schema-version.js';
import { reportSelfPreservation, selfPreservationLine } from '../self-preservation/report.js';
import { openOf, reconciliationLine } from '../reconcile/reconciliation-text.js';
import { unreachable } from '../connect.js';
import { postgresPlace } from '../setup/prepare-servers.js';
import { command } from '../terminal/invocation.js';
import { ANSWER_WITHIN_MS, failed, ownership, verdict, type Check, type Scope } from './check.js';

/**
 * PostgreSQL answers, has this version's tables, and lets us read and write
 * them; self-preservation is off, and a bridge sweeps.
 *
 * @param contracts null when they could not be loaded: liveness is not checked then
 */
export async function checkRegistry(config: Config, contracts: Contracts | null, scope: Scope): Promise<Check[]> {
  const where = postgresPlace(config);
  const answers = { about: 'postgres', what: `answers at ${where}` } as const;
  const pool = createPool(config.postgres.connectionString, { max: 1, connectTimeoutMs: ANSWER_WITHIN_MS });
  try {
    const { current, newest } = await schemaVersion(pool);
    const migrated = current !== null && current >= newest;
    const newer = current !== null && current > newest ? `, newer than this registrar's ${newest}` : '';
    const checks: Check[] = [
      { ...answers, ok: true, found: 'yes', todo: null },
      verdict(
        'postgres',
        `migrated to version ${newest}`,
        migrated,
        current === null ? 'never migrated' : `version ${current}${newer}`,
        `Migrate it with '${command('setup')}'.`,
      ),
    ];
    // Tables of a version that is not there yet can't be asked about.
    if (!migrated) return checks;
    const rights = await checkRights(pool);
    checks.push(rights);
    if (rights.ok)
      checks.push(ownership('postgres', "is this installation's", (await databaseOwner(pool)) ?? null, config));
    if (contracts !== null && rights.ok && scope.running)
      checks.push(await checkSelfPreservation(pool, config, contracts));
    if (contracts !== null && rights.ok && scope.running) checks.push(await checkWatermarks(pool, config, contracts));
    if (contracts !== null && contracts.sweep !== null && scope.running)
      checks.push(await checkSweep(pool, config, contracts));
    if (contracts !== null && contracts.reconcile !== null && rights.ok && scope.running)
      checks.push(await checkReconciliation(pool, config, contracts, contracts.reconcile));
    return checks;
  } catch (error) {
    return [failed(answers, unreachable(config, 'postgres', where, error))];
  } finally {
    await pool.end();
  }
}

const TABLES = [
  'node_registrations',
  'node_leases',
  'stream_watermarks',
  'liveness_brake',
  'lease_expiries',
  'reconciliations',
  'operator_actions',
  'node_changes',
  'node_bans',
  'sweep_leases',
  'installation',
  'process_clocks',
  'registrar_actions',
];
const RIGHTS = ['select', 'insert', 'update', 'delete'];

async function checkRights(pool: Pool): Promise<Check> {
  // A table that is missing, or in a schema that this user may not use, has no oid.
  const { rows } = await pool.query<{ missing: string }>(
    `select t || ' (' || string_agg(r, ', ') || ')' as missing from unnest($1::text[]) as t, unnest($2::text[]) as r
     where not coalesce(has_table_privilege(to_regclass(t), r), false) group by t order by t`,
    [TABLES, RIGHTS],
  );
  const granted = rows.length === 0;
  return verdict(
    'postgres',
    'may read and write the tables',
    granted,
    granted ? 'yes' : `no right on ${rows.map(({ missing }) => missing).join(', ')}`,
    `Grant ${RIGHTS.join(', ')} on the tables to this user, or create them with '${command('setup')}': until then ` +
      'nodes wait, and none is rejected.',
  );
}

async function checkSelfPreservation(pool: Pool, config: Config, contracts: Contracts): Promise<Check> {
  const report = await reportSelfPreservation(pool, selfPreservationQuestion(contracts, config));
  return verdict(
    'liveness',
    'self-preservation',
    !report.held,
    selfPreservationLine(report),
    `Are these nodes, their network or their Kafka down ('${command('list')}')? If they are gone for good: ` +
      `'${command('self-preservation release')}'.`,
  );
}

/** An idle partition is read up to a second or two ago. */
const STORED_WITHIN_SECONDS = 30;

async function checkWatermarks(pool: Pool, config: Config, contracts: Contracts): Promise<Check> {
  const { heartbeats, acks } = bridgeTopics(contracts, config);
  const late: string[] = [];
  for (const topic of [...heartbeats, ...acks]) {
    const { rows } = await pool.query<{ age: number | null }>(
      `select extract(epoch from now() - ${LOWEST_WATERMARK})::float8 as age`,
      [[topic]],
    );
    const age = rows[0]?.age ?? null;
    if (age === null) late.push(`${topic} was never read`);
    else if (age > STORED_WITHIN_SECONDS) late.push(`${topic} is read up to ${Math.round(age)} s ago`);
  }
  return verdict(
    'liveness',
    'heartbeats and acks are read up to now',
    late.length === 0,
    late.length === 0 ? 'yes' : late.join('; '),
    'Meanwhile nobody expires, and no ack times out for good. Does a bridge run, and does Kafka take records on ' +
      'these topics (max.message.bytes, min.insync.replicas, disk, rights)? See the log of the bridge.',
  );
}

async function checkSweep(pool: Pool, config: Config, contracts: Contracts): Promise<Check> {
  const swept = await isSwept(pool, bridgeTopics(contracts, config).heartbeats[0]);
  return verdict(
    'liveness',
    'a bridge looks for silent nodes',
    swept,
    swept ? 'yes' : 'nobody does',
    `Run '${command('bridge')}' (or '${command('up')}'): until then a dead node is found by its own timer only, ` +
      'hours later.',
  );
}

/** A comparison is late when three of them should have been done since. */
const LATE_AFTER = 3;

async function checkReconciliation(
  pool: Pool,
  config: Config,
  contracts: Contracts,
  { interval_seconds }: Reconcile,
): Promise<Check> {
  const last = await readReconciliation(pool, bridgeTopics(contracts, config).heartbeats[0]);
  const age = Date.now() - Date.parse(last?.at ?? '1970-01-01T00:00:00Z');
  const isLate = age > LATE_AFTER * interval_seconds * 1_000;
  // A registrar that has just been started has compared nothing so far.
  const ok = last === null || (last.failure === null && !isLate && openOf(last) === 0);
  return verdict(
    'consul',
    'shows what the registry says',
    ok,
    reconciliationLine(last),
    `See what differs with '${command('reconcile --dry-run')}', and mend it at once with '${command('reconcile')}'.`,
  );
}
