import { stripVTControlCharacters } from 'node:util';
import type { WriteStream } from 'node:tty';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Waits } from '../../../../src/cli/terminal/waiting.js';

let written: string[];
let waits: Waits;
const text = (): string => written.join('');

/** A command whose messages go there. */
function command({ isTTY }: { readonly isTTY: boolean }): Waits {
  const write = (some: string): boolean => written.push(stripVTControlCharacters(some)) > 0;
  return new Waits({ isTTY, columns: 80, rows: 24, write } as unknown as WriteStream);
}

beforeEach(() => {
  written = [];
  waits = command({ isTTY: true });
  vi.useFakeTimers();
});
afterEach(() => {
  waits.showNone();
  vi.useRealTimers();
});

/** Work that takes so long. */
const takes = (ms: number) => () => new Promise<string>((resolve) => setTimeout(resolve, ms, 'done'));

/** The line is made by code that is loaded only when somebody waits. */
async function pass(ms: number): Promise<void> {
  await vi.dynamicImportSettled();
  await vi.advanceTimersByTimeAsync(ms);
}

it('a terminal says after a second for what it waits, and for how long', async () => {
  const work = waits.waitFor('Consul at c:8500', takes(3_300));
  await pass(900);
  expect(text()).toBe('');
  await pass(2_200);
  expect(text()).toContain('waiting for Consul at c:8500 … 1 s');
  expect(text()).toContain('waiting for Consul at c:8500 … 2 s');
  await pass(300);
  await expect(work).resolves.toBe('done');
  const said = text();
  await pass(3_000);
  expect(text()).toBe(said);
});

it('what is done within a second needs no words, however often', async () => {
  for (let times = 0; times < 5; times += 1) {
    const work = waits.waitFor('Kafka', takes(600));
    await pass(600);
    await work;
    await pass(200);
  }
  expect(text().trim()).toBe('');
});

it('several waits stand on one line, each once, until it is over', async () => {
  const all = Promise.all([
    waits.waitFor('Kafka', takes(1_500)),
    waits.waitFor('Temporal', takes(2_500)),
    waits.waitFor('Temporal', takes(2_500)),
  ]);
  await pass(1_200);
  expect(text()).toContain('waiting for Kafka, Temporal … 1 s');
  await pass(1_300);
  await all;
  expect(text()).toContain('waiting for Temporal … 2 s');
  expect(text()).not.toContain('Temporal, Temporal');
});

it('a failure is passed on, and the line goes away', async () => {
  const work = waits.waitFor('PostgreSQL', async () => {
    await takes(1_500)();
    throw new Error('away');
  });
  const failed = expect(work).rejects.toThrow('away');
  await pass(1_500);
  await failed;
  const said = text();
  await pass(2_000);
  expect(said).toContain('waiting for PostgreSQL');
  expect(text()).toBe(said);
});

it('who has a screen of its own says nothing, also of what is waited for already', async () => {
  const before = waits.waitFor('Kafka', takes(2_000));
  await pass(100);
  waits.showNone();
  const after = waits.waitFor('Temporal', takes(2_000));
  await pass(2_000);
  await Promise.all([before, after]);
  expect(text().trim()).toBe('');
});

it('a pipe gets nothing', async () => {
  const work = command({ isTTY: false }).waitFor('Kafka', takes(5_000));
  await pass(5_000);
  await expect(work).resolves.toBe('done');
  expect(text()).toBe('');
});
