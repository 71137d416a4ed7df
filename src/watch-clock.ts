import { hostname } from 'node:os';
import type { Logger } from 'pino';
import { errorText } from './error-text.js';
import { every, type Repetition } from './every.js';
import { databaseOffset, isOff, keepsProcessClocks, storeProcessClock, type ProcessClock } from './registry/clocks.js';
import type { Sql } from './registry/pool.js';

const EVERY_MS = 60_000;
const SOON_MS = 2_000;

/**
 * Compares this process's clock with the database's once a minute, and keeps the result where `doctor`, which runs on
 * another machine, finds it. A clock that is off is logged.
 *
 * @returns how to end it
 */
export function watchClock(sql: Sql, role: ProcessClock['role'], logger: Logger): Repetition {
  const name = `${process.pid}@${hostname()}`;
  let pauseMs = EVERY_MS;
  const compare = async (): Promise<void> => {
    pauseMs = EVERY_MS;
    try {
      // At a first start the tables may not be there yet.
      if (!(await keepsProcessClocks(sql))) {
        pauseMs = SOON_MS;
        return;
      }
      const { seconds, within } = await databaseOffset(sql);
      const clock: ProcessClock = { role, process: name, seconds: -seconds, within };
      await storeProcessClock(sql, clock);
      if (isOff(clock))
        logger.warn({ ahead_seconds: clock.seconds }, 'this machine’s clock is not PostgreSQL’s: synchronise it (NTP)');
    } catch (error) {
      logger.info({ reason: errorText(error) }, 'this clock cannot be compared with PostgreSQL’s now');
    }
  };
  return every(() => pauseMs, compare);
}
