import { expect, it } from 'vitest';
import { whyNotReading } from '../../../src/bridge/readiness.js';

const STREAMS = [{ topics: ['hello'] as const }, { topics: ['beats', 'more-beats'] as const }];
const stalled = (...ms: number[]) => ms.map((one) => ({ stalledMs: () => one }));

it('a bridge is ready while each of its streams gets on', () => {
  expect(whyNotReading(STREAMS, stalled(500, 15_000))).toBeNull();
});

it('a bridge that does not read a stream is not ready, and names its topics and for how long', () => {
  expect(whyNotReading(STREAMS, stalled(500, 23_400))).toBe(
    'it has not got on with beats, more-beats for 23 s: Kafka does not answer, or a server that the records need; ' +
      'registrar doctor says which',
  );
  expect(whyNotReading(STREAMS, stalled(16_000, 23_400))).toContain('hello for 16 s; beats, more-beats for 23 s');
});
