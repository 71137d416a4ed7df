import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // Temporal's native module does not survive worker threads being torn down.
    pool: 'forks',
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 600_000,
  },
});
