/* eslint no-restricted-properties: off -- here the seeds are given to fast-check */
import fc from 'fast-check';
import { seeds } from './seeds.js';

/**
 * Tries a property with each seed of the run, as often with each as the parameters say, or PROPERTY_RUNS where that is
 * less: where tests run for one changed place of the code after the other, a few values have to do.
 *
 * @param property what is to hold
 * @param parameters those of fast-check, without a seed
 * @throws Error with the smallest counterexample, and the seed that led to it
 */
export function assertProperty<Values>(
  property: fc.IAsyncProperty<Values>,
  parameters?: Omit<fc.Parameters<Values>, 'seed'>,
): Promise<void>;
export function assertProperty<Values>(
  property: fc.IProperty<Values>,
  parameters?: Omit<fc.Parameters<Values>, 'seed'>,
): void;
export function assertProperty<Values>(
  property: fc.IAsyncProperty<Values> | fc.IProperty<Values>,
  parameters: Omit<fc.Parameters<Values>, 'seed'> = {},
): Promise<void> | void {
  if (property.isAsync()) return eachAsync(property as fc.IAsyncProperty<Values>, parameters);
  for (const seed of seeds()) fc.assert(property as fc.IProperty<Values>, { ...bounded(parameters), seed });
}

async function eachAsync<Values>(
  property: fc.IAsyncProperty<Values>,
  parameters: Omit<fc.Parameters<Values>, 'seed'>,
): Promise<void> {
  for (const seed of seeds()) await fc.assert(property, { ...bounded(parameters), seed });
}

function bounded<Parameters extends { readonly numRuns?: number }>(parameters: Parameters): Parameters {
  const most = Number(process.env['PROPERTY_RUNS'] ?? Infinity);
  // Reports that are files hold what an error says, and not its cause.
  return { ...parameters, numRuns: Math.min(parameters.numRuns ?? 100, most), includeErrorInReport: true };
}
