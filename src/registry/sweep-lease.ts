import type { Sql } from './pool.js';

/** Which bridge sweeps a fleet. */
export interface SweepLease {
  /** Of the fleet: its first heartbeat topic. */
  readonly name: string;
  /** Of the bridge, the same for as long as it runs. */
  readonly holder: string;
}

/**
 * Takes the lease where nobody has it, or renews it.
 *
 * @param seconds how long it holds from now on
 * @returns whether it is this holder's
 */
export async function takeSweepLease(sql: Sql, { name, holder }: SweepLease, seconds: number): Promise<boolean> {
  const { rowCount } = await sql.query(
    `insert into sweep_leases as held (name, holder, until) values ($1, $2, now() + make_interval(secs => $3))
     on conflict (name) do update set holder = excluded.holder, until = excluded.until
     where held.holder = excluded.holder or held.until < now()`,
    [name, holder, seconds],
  );
  return rowCount === 1;
}

/** Gives the lease back. One that another bridge has by now stays. */
export async function releaseSweepLease(sql: Sql, { name, holder }: SweepLease): Promise<void> {
  await sql.query('delete from sweep_leases where name = $1 and holder = $2', [name, holder]);
}

/** Whether some bridge sweeps a fleet. */
export async function isSwept(sql: Sql, name: string): Promise<boolean> {
  const { rows } = await sql.query<{ swept: boolean }>(
    'select exists (select from sweep_leases where name = $1 and until >= now()) as swept',
    [name],
  );
  return rows[0]?.swept === true;
}
