import { randomInt } from 'node:crypto';
import fc from 'fast-check';

/** With which seed the fresh run of each property is repeated: `FC_SEED=123 npx vitest run …`. */
const fresh = Number(process.env['FC_SEED'] ?? randomInt(2 ** 31));
console.log(`properties: fixed seed 1, fresh seed ${fresh} (FC_SEED=${fresh} repeats it)`);

/** Checks a property under a fixed seed, so that a failure stays, and under a fresh one, so that each run explores. */
export function holdsFor<T>(arbitrary: fc.Arbitrary<T>, property: (value: T) => void, numRuns = 200): void {
  for (const seed of [1, fresh]) fc.assert(fc.property(arbitrary, property), { seed, numRuns });
}
