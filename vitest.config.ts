import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/run/longest-first.js';
import { BUSY_WORKERS, integrationWorkers } from './test/run/workers.js';

/**
 * Six kinds of tests. Those of the browser need a Chromium: CHROMIUM names it, else it is looked for. Those of the
 * package need it built (`npm run build:node`). Those of Temporal Server build it, once (`npm run test:temporal`). Only
 * the integration tests have real servers, started once a run for each worker: their files run beside each other, each
 * on servers of its own. They come after the others, since they measure how long nodes and outages take while the
 * others keep every core busy.
 */
export default defineConfig({
  test: {
    // Temporal's native module does not survive worker threads being torn down.
    pool: 'forks',
    // What is printed is compared as text; some CI systems ask for colours where nobody watches.
    env: { NO_COLOR: '1' },
    testTimeout: 60_000,
    hookTimeout: 120_000,
    globalSetup: ['test/run/whole-run.ts'],
    setupFiles: ['test/run/remove-folders.ts'],
    sequence: { sequencer: LongestFirst },
    // Of the unit tests alone: the sandbox of the workflows and the processes of the integration tests are not seen.
    coverage: {
      include: ['{src,workflows,activities}/**/*.ts'],
      exclude: ['src/server/page/**'],
      reporter: ['text-summary', 'html'],
      // In percent, rounded down, as measured on 2026-11-26: not to fall.
      thresholds: { statements: 67, branches: 63, functions: 67, lines: 68 },
    },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          // Loading our modules and the libraries for each file anew takes as long as all tests.
          isolate: false,
          maxWorkers: BUSY_WORKERS,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'time-skipping',
          include: ['test/time-skipping/**/*.test.ts', 'test/replay/**/*.test.ts'],
          globalSetup: ['test/run/workflow-bundle.ts'],
          isolate: false,
          maxWorkers: BUSY_WORKERS,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          globalSetup: ['test/browser/build-page.ts'],
          fileParallelism: false,
          sequence: { groupOrder: 3 },
        },
      },
      {
        extends: true,
        test: {
          name: 'package',
          include: ['test/package/**/*.test.ts'],
          sequence: { groupOrder: 4 },
        },
      },
      {
        extends: true,
        test: {
          name: 'temporal-server',
          include: ['test/temporal-server/**/*.test.ts'],
          sequence: { groupOrder: 5 },
        },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          globalSetup: ['test/run/workflow-bundle.ts', 'test/run/built-program.ts', 'test/global-setup.ts'],
          setupFiles: ['test/run/own-servers.ts'],
          // Each step has a limit of its own, whose error says which one it was; these end only what hangs.
          testTimeout: 400_000,
          hookTimeout: 240_000,
          isolate: false,
          maxWorkers: integrationWorkers(process.env),
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
