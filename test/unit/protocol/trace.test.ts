import { describe, expect, it } from 'vitest';
import { traceparent, traceparentOf } from '../../../src/protocol/trace.js';

const OWN = '00-5b8efff798038103d269b633813fc60c-eee19b7ec3c1b174-01';

describe('the trace of a message that came', () => {
  it('is the one of its header', () => {
    expect(traceparentOf(OWN, 'c-1', 'm-1')).toBe(OWN);
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
