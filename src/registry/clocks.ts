import type { Sql } from './pool.js';

/** How far another clock is from this machine's. */
export interface ClockOffset {
  /** Seconds; above zero: the other clock is ahead. */
  readonly seconds: number;
  /** Seconds, by which this may be wrong: half of the time that the answer took. */
  readonly within: number;
}

/** A bridge's or worker's clock, as seen from the database's. */
export interface ProcessClock extends ClockOffset {
  readonly role: 'bridge' | 'worker';
  /** Process id and host. */
  readonly process: string;
}

/** A clock that is further off is worth a warning: seconds. */
const WARN_ABOVE_SECONDS = 1;

/** Whether a clock is off by more than a second, whatever the measurement's error. */
export function isOff({ seconds, within }: ClockOffset): boolean {
  return Math.abs(seconds) - within > WARN_ABOVE_SECONDS;
}

/** @param read answers that clock's time, milliseconds since 1970 */
export async function offsetOf(read: () => Promise<number>): Promise<ClockOffset> {
  const [before, started] = [Date.now(), performance.now()];
  const time = await read();
  const took = performance.now() - started;
  return { seconds: (time - before - took / 2) / 1_000, within: took / 2_000 };
}

/** How far the database's clock is from this machine's. A first question, which may open a connection, is not timed. */
export async function databaseOffset(sql: Sql): Promise<ClockOffset> {
  const read = async (): Promise<number> => {
    const { rows } = await sql.query<{ time: number }>(
      'select (extract(epoch from clock_timestamp()) * 1000)::float8 as time',
    );
    return rows[0]?.time ?? Number.NaN;
  };
  await read();
  return offsetOf(read);
}

/** false: the database is migrated to no version that has the table, or not at all yet. */
export async function keepsProcessClocks(sql: Sql): Promise<boolean> {
  const { rows } = await sql.query<{ there: boolean }>("select to_regclass('process_clocks') is not null as there");
  return rows[0]?.there === true;
}

/** Keeps how far this process's clock is from the database's; what is older than an hour goes. */
export async function storeProcessClock(sql: Sql, { role, process, seconds, within }: ProcessClock): Promise<void> {
  await sql.query(
    `insert into process_clocks (process, role, ahead_seconds, within_seconds) values ($1, $2, $3, $4)
     on conflict (process) do update set
       role = excluded.role, ahead_seconds = excluded.ahead_seconds, within_seconds = excluded.within_seconds,
       compared_at = now()`,
    [process, role, seconds, within],
  );
  await sql.query("delete from process_clocks where compared_at < now() - interval '1 hour'");
}

/** The clocks of the bridges and workers that compared theirs within the last three minutes: of those that run. */
export async function readProcessClocks(sql: Sql): Promise<ProcessClock[]> {
  const { rows } = await sql.query<ProcessClock>(
    `select role, process, ahead_seconds as seconds, within_seconds as within from process_clocks
     where compared_at > now() - interval '3 minutes' order by role, process`,
  );
  return rows;
}
