/** With this seed a property tries the same values on every machine, at every run. */
export const FIXED_SEED = 20_260_131;
const FRESH = 'REGISTRAR_TEST_FRESH_SEED';

/**
 * Chooses the seed that is new with each run, and prints how to repeat the run with it.
 *
 * @param env the environment of the run; PROPERTY_SEED in it is used instead of a new seed
 */
export function chooseFreshSeed(env: NodeJS.ProcessEnv): void {
  const given = env['PROPERTY_SEED'];
  env[FRESH] = given ?? String(Math.floor(Math.random() * 2 ** 31));
  if (given === undefined)
    process.stderr.write(
      `properties: fixed seed ${FIXED_SEED}, fresh seed ${env[FRESH]}; again: PROPERTY_SEED=${env[FRESH]}\n`,
    );
}

/** The seeds that every property is tried with: the fixed one and the fresh one; with PROPERTY_SEED that one alone. */
export function seeds(): readonly number[] {
  const { PROPERTY_SEED: given, [FRESH]: fresh } = process.env;
  if (given !== undefined) return [seedOf(given)];
  return fresh === undefined ? [FIXED_SEED] : [FIXED_SEED, seedOf(fresh)];
}

function seedOf(text: string): number {
  const seed = Number(text);
  if (!Number.isSafeInteger(seed)) throw new Error(`PROPERTY_SEED=${text} is no whole number`);
  return seed;
}
