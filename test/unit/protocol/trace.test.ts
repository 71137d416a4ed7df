import { describe, expect, it } from 'vitest';
import { traceIdIn, traceparent, traceparentOf } from '../../../src/protocol/trace.js';

const OWN = '00-5b8efff798038103d269b633813fc60c-eee19b7ec3c1b174-01';

describe('the trace of a message that came', () => {
  it('is the one of its header', () => {
    expect(traceparentOf(OWN, 'c-1', 'm-1')).toBe(OWN);
    // Zeros at the beginning of an id are like any other digits.
    const zeros = '00-00008efff798038103d269b633813fc6-0000b7ec3c1b1740-01';
    expect(traceparentOf(zeros, 'c-1', 'm-1')).toBe(zeros);
  });

  it('has 32 digits of a traceparent', () => {
    expect(traceIdIn(OWN)).toBe('5b8efff798038103d269b633813fc60c');
  });

  it.each([
    ['has none', undefined],
    ['is of a later version', OWN.replace(/^00/, '01')],
    ['has a trace of zeros', OWN.replace(/[^-]{32}/, '0'.repeat(32))],
    ['has a span of zeros', OWN.replace(/-[^-]{16}-/, `-${'0'.repeat(16)}-`)],
    ['has capitals, which the standard forbids', OWN.toUpperCase()],
    ['came twice', `${OWN},${OWN}`],
  ])('follows from its ids where the header %s', (_, header) => {
    expect(traceparentOf(header, 'c-1', 'm-1')).toBe(traceparent('c-1', 'm-1'));
  });
});
