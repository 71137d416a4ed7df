import { defineConfig } from 'vitest/config';

/**
 * Three kinds of tests. Only the integration tests have real servers, started
 * once for all of them; their files run one after another, since each of them
 * has workers and bridges of its own on the same two cores.
 */
export default defineConfig({
  test: {
    // Temporal's native module does not survive worker threads being torn down.
    pool: 'forks',
    // What is printed is compared as text; some CI systems ask for colours where nobody watches.
    env: { NO_COLOR: '1' },
    testTimeout: 60_000,
    hookTimeout: 120_000,
    projects: [
      { extends: true, test: { name: 'unit', include: ['test/unit/**/*.test.ts'], sequence: { groupOrder: 0 } } },
      {
        extends: true,
        test: {
          name: 'time-skipping',
          include: ['test/time-skipping/**/*.test.ts', 'test/replay/**/*.test.ts'],
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          globalSetup: ['test/global-setup.ts'],
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
