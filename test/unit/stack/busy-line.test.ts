import type { WriteStream } from 'node:tty';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BusyLine, busyWhile } from '../../../src/stack/busy-line.js';
import { clearLastLines } from '../../../src/stack/last-line.js';
import { progressReporter } from '../../../src/stack/progress.js';

/** What a terminal shows of something that takes long: the last thing that was written, until it was cleared. */

let written: string[];
const terminal = (isTTY: boolean) =>
  ({
    isTTY,
    columns: 80,
    rows: 24,
    write: (text: string) => written.push(text.replace(/\u001b\[[\d;?]*[a-zA-Z]/g, '')),
  }) as unknown as WriteStream;
const all = (): string => written.join('');

beforeEach(() => {
  written = [];
  vi.useFakeTimers();
});
afterEach(() => void vi.useRealTimers());

describe('a line for what takes long', () => {
  it('says after a second what goes on, and for how long so far', async () => {
    let done: () => void = () => undefined;
    const working = busyWhile('stopping', () => new Promise<void>((resolve) => (done = resolve)), terminal(true));
    await vi.advanceTimersByTimeAsync(900);
    expect(all()).toBe('');
    await vi.advanceTimersByTimeAsync(2_400);
    expect(all()).toContain('stopping … 1 s');
    expect(all()).toContain('stopping … 3 s');
    done();
    await working;
    const before = written.length;
    await vi.advanceTimersByTimeAsync(5_000);
    expect(written).toHaveLength(before);
  });

  it('says nothing of what is soon over, nor while there is nothing to say, nor where nobody looks', async () => {
    await busyWhile('quick', () => Promise.resolve(), terminal(true));
    let what: string | null = null;
    const line = new BusyLine(terminal(true), () => what);
    await vi.advanceTimersByTimeAsync(5_000);
    what = 'later';
    await vi.advanceTimersByTimeAsync(900);
    expect(all()).toBe('');
    line.stop();
    const slow = busyWhile('slow', () => new Promise<void>((resolve) => setTimeout(resolve, 5_000)), terminal(false));
    await vi.advanceTimersByTimeAsync(5_000);
    await slow;
    expect(all()).toBe('');
  });

  it('goes away when something else is about to be written, and comes again below it', async () => {
    const line = new BusyLine(terminal(true), () => 'waiting');
    await vi.advanceTimersByTimeAsync(1_200);
    written = [];
    clearLastLines();
    written.push('something else\n');
    await vi.advanceTimersByTimeAsync(100);
    expect(all()).toMatch(/something else\n[^]*waiting … 1 s/);
    line.stop();
    written = [];
    clearLastLines();
    expect(written).toEqual([]);
  });
});

it('a start that takes longer than a second says so, between its steps', async () => {
  const reporter = progressReporter(terminal(true));
  reporter.onProgress({ kind: 'step', about: 'postgres', text: 'creating the database' });
  await vi.advanceTimersByTimeAsync(1_200);
  reporter.onProgress({ kind: 'ready', about: 'postgres', text: 'runs', ms: 1_200 });
  await vi.advanceTimersByTimeAsync(1_000);
  reporter.stop();
  expect(all()).toMatch(/creating the database\n[^]*starting … 1 s[^]*runs \(1\.2 s\)\n[^]*starting … 2 s/);
});
