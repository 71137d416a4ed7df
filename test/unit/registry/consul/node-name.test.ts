import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nodeName } from '../../../../src/registry/consul/operations.js';
import { assertProperty } from '../../../run/properties.js';

describe('the name of a catalog node', () => {
  it('is the id where that has no capitals, and else names their places', () => {
    expect(nodeName('mailer-1')).toBe('onex-mailer-1');
    expect(nodeName('Mailer-1')).toBe('onex-Mailer-1~1');
    expect(nodeName('mAiLER.1')).toBe('onex-mAiLER.1~3a');
    expect(nodeName('A'.repeat(128))).toBe(`onex-${'A'.repeat(128)}~${'f'.repeat(32)}`);
  });

  it('is another one for another id, where case is ignored', () => {
    const id = fc.string({ unit: fc.constantFrom(...'aAbB1._:-'), minLength: 1, maxLength: 8 });
    assertProperty(
      fc.property(id, id, (one, other) => {
        fc.pre(one !== other);
        expect(nodeName(one).toLowerCase()).not.toBe(nodeName(other).toLowerCase());
      }),
    );
  });
});
