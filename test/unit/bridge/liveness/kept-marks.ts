import type { Pool } from 'pg';
import type { ReadUpTo } from '../../../../src/kafka/index.js';

/** A watermark as it is given to the database: a time, or seconds ago. */
interface KeptMark {
  readonly partition: number;
  readonly next_offset: string;
  readonly at: string | null;
  readonly ago: number | null;
}

type Parameters = [string, number[], string[], (string | null)[], (number | null)[], number];

/** A database that keeps the watermarks that it is given. */
export function keptMarks() {
  const marks: KeptMark[] = [];
  /** For which topic each statement was, and after how many seconds its stream counts as stalled. */
  const asked: [string, number][] = [];
  const query = (_statement: string, [topic, partitions, offsets, times, agos, stalled]: Parameters) => {
    asked.push([topic, stalled]);
    partitions.forEach((partition, index) =>
      marks.push({
        partition,
        next_offset: offsets[index] ?? '',
        at: times[index] ?? null,
        ago: agos[index] ?? null,
      }),
    );
    return Promise.resolve({ rows: [] });
  };
  return { marks, asked, sql: { query } as unknown as Pool };
}

/** Up to where a batch of one record reads. */
export const upTo = (changes: Partial<ReadUpTo> = {}): ReadUpTo => ({
  next_offset: '1',
  timestamp: Date.now(),
  isBrokersTime: true,
  markers: [],
  ...changes,
});
