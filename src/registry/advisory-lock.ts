import type { Sql } from './pool.js';

/** An arbitrary number, the same in every version of the registrar. */
const SWEEP_LOCK = 724_611;

/** Locks a name for this session, if no other session has locked it. */
export async function tryLock(session: Sql, name: string): Promise<boolean> {
  const { rows } = await session.query<{ mine: boolean }>('select pg_try_advisory_lock($1, hashtext($2)) as mine', [
    SWEEP_LOCK,
    name,
  ]);
  return rows[0]?.mine === true;
}

/** Whether some session has locked a name. */
export async function isLocked(sql: Sql, name: string): Promise<boolean> {
  const { rows } = await sql.query<{ locked: boolean }>(
    `select exists (
       select from pg_locks
       where locktype = 'advisory' and granted and classid::bigint = $1
         and objid::bigint = hashtext($2)::bigint & 4294967295
         and database = (select oid from pg_database where datname = current_database())) as locked`,
    [SWEEP_LOCK, name],
  );
  return rows[0]?.locked === true;
}
