import { it } from 'vitest';

// Its worker has the runner in one-process.ts, which runs the tests of a group instead of this one, as often as asked.
it('runs the tests of a group', () => undefined);
