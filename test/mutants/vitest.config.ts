import { defineConfig } from 'vitest/config';

/** One worker thread runs the tests of a group for one change after the other; see one-process.ts. */
export default defineConfig({
  test: {
    env: { NO_COLOR: '1' },
    include: ['test/mutants/start.test.ts'],
    globalSetup: process.env['MUTANTS_BUNDLED'] === 'true' ? ['test/run/workflow-bundle.ts'] : [],
    setupFiles: ['test/run/remove-folders.ts'],
    runner: 'test/mutants/one-process.ts',
    pool: 'threads',
    maxWorkers: 1,
    isolate: false,
    silent: true,
    // A test that waits for ever is noticed after this long. Only a bundle's tests have servers to wait for.
    testTimeout: process.env['MUTANTS_BUNDLED'] === 'true' ? 30_000 : 20_000,
    hookTimeout: 120_000,
  },
});
