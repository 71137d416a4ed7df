import { afterAll, describe, expect, it } from 'vitest';
import { Coverage } from '../../fuzz/parsers/coverage.js';
import { explore, type Target } from '../../fuzz/parsers/explore.js';

const inThisFile = (url: string): boolean => url.includes('explore.test');

const isRight = (input: Buffer, at: number): boolean => ((input[at] ?? 0) & 15) === at + 1;

/** Falls over six bytes that nobody meets together by chance; each right one is a branch of its own. */
function fallsOver(input: Buffer): void {
  if (!isRight(input, 0)) return;
  if (!isRight(input, 1)) return;
  if (!isRight(input, 2)) return;
  if (!isRight(input, 3)) return;
  if (!isRight(input, 4)) return;
  if (!isRight(input, 5)) return;
  throw new Error('it fell over the word');
}

const target = (run: Target['run'], counts = inThisFile): Target => ({ seeds: [Buffer.alloc(6)], counts, run });

const coverage = new Coverage();

afterAll(() => coverage.stop());

/** Time passes by being asked for: a run of so many seconds is the same on every machine. */
const clock = () => {
  let now = 0;
  return { now: () => (now += 0.01) };
};

describe('a search that is led by coverage', () => {
  it('finds what is behind branches that chance does not pass together', async () => {
    const found = await explore(target(fallsOver), { coverage, clock: clock(), seed: 1, seconds: 2 });
    expect(found.finding?.what).toContain('it fell over the word');
    expect(found.corpus).toBeGreaterThan(3);
    expect(found.inputs).toBeLessThan(20_000);
  });

  it('does not find it where coverage does not lead, in as many tries', async () => {
    const found = await explore(
      target(fallsOver, () => false),
      { coverage, clock: clock(), seed: 1, seconds: 0.5 },
    );
    expect([found.finding, found.corpus]).toEqual([null, 0]);
    expect(found.inputs).toBeGreaterThan(20_000);
  });

  it('names the input that it feeds before it feeds it', async () => {
    const fed: string[] = [];
    const { finding } = await explore(
      target((input) => {
        if (fed.at(-1) !== String(input)) throw new Error('an input that nobody named');
      }),
      { coverage, clock: clock(), seed: 1, seconds: 0.1, onInput: (input) => fed.push(String(input)) },
    );
    expect(finding).toBeNull();
    expect(fed.length).toBeGreaterThan(1_000);
  });

  it('finds an input that takes too long', async () => {
    let now = 0;
    const slow = target((input) => void (now += input.length > 10 ? 2_001 : 1));
    const { finding } = await explore(slow, { coverage, clock: { now: () => now }, seed: 1, seconds: 1_000 });
    expect(finding?.what).toBe('it took 2001 ms');
  });
});
