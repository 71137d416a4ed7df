import type { EachBatchPayload } from 'kafkajs';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Commits } from '../../../src/kafka/commits.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A batch whose commits fail as long as `failing` says so. */
function batch(failing: () => boolean, isRunning = () => true) {
  let tries = 0;
  let committed = 0;
  const payload = {
    isRunning,
    uncommittedOffsets: () => ({ topics: [] }),
    commitOffsetsIfNecessary() {
      tries += 1;
      if (failing()) return Promise.reject(new Error('the coordinator is loading'));
      committed += 1;
      return Promise.resolve();
    },
  } as unknown as EachBatchPayload;
  return { payload, counts: () => ({ tries, committed }) };
}

describe('offsets of what is done', () => {
  it('are committed a moment later, in one request for all that came meanwhile', async () => {
    const commits = new Commits(pino({ level: 'silent' }));
    const { payload, counts } = batch(() => false);
    for (let record = 0; record < 10; record++) commits.due(payload);
    expect(counts()).toEqual({ tries: 0, committed: 0 });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(counts()).toEqual({ tries: 1, committed: 1 });
  });

  it('are committed again after a failed commit, though nothing more is done', async () => {
    const commits = new Commits(pino({ level: 'silent' }));
    let away = true;
    const { payload, counts } = batch(() => away);
    commits.due(payload);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(counts().tries).toBeGreaterThan(1);
    away = false;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(counts().committed).toBe(1);
  });

  it('are not committed again by a consumer that has been stopped: they are somebody else’s then', async () => {
    const commits = new Commits(pino({ level: 'silent' }));
    const { payload, counts } = batch(
      () => true,
      () => false,
    );
    commits.due(payload);
    await commits.flush();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(counts().tries).toBe(1);
  });
});
