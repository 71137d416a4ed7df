import { describe, expect, it } from 'vitest';
import { asUuid, derivedId } from '../../../src/protocol/ids.js';

describe('an id as a UUID', () => {
  it('is the id itself where it is one', () => {
    expect(asUuid('5dfbd3d1-2c4a-4698-aa2c-a1af6a107b75')).toBe('5dfbd3d1-2c4a-4698-aa2c-a1af6a107b75');
  });

  it.each(['start-7', 'ffffffff-2c4a-0698-0a2c-a1af6a107b75'])('is derived from %s, always the same one', (id) => {
    expect(asUuid(id)).toBe(derivedId(id));
  });
});
