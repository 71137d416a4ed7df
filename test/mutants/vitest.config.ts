import { defineConfig } from 'vitest/config';

/** The tests that must catch the mutants of one group; `tools/mutants.ts` names them. */
export default defineConfig({
  test: {
    env: { NO_COLOR: '1' },
    include: (process.env['MUTANTS_TESTS'] ?? '').split(','),
    testTimeout: 60_000,
  },
});
