import { describe, expect, it } from 'vitest';
import type { Condition } from '../../../src/contracts/compiled.js';
import { parseCondition } from '../../../src/contracts/conditions.js';
import { holds } from '../../../workflows/core/conditions.js';

/** A condition as a contract has it. */
function condition(text: string): Condition {
  const parsed = parseCondition(text);
  if (typeof parsed === 'string') throw new Error(parsed);
  return parsed;
}
const holdsFor = (text: string, value: unknown): boolean => holds(condition(text), { field: value });

describe('a condition', () => {
  it.each([undefined, null, ''])('of presence does not hold for %j, and one of absence does', (value) => {
    expect(holdsFor('field is_present', value)).toBe(false);
    expect(holdsFor('field is_absent', value)).toBe(true);
  });

  it.each(['abc', 0, false, {}])('of absence does not hold for %j, and one of presence does', (value) => {
    expect(holdsFor('field is_absent', value)).toBe(false);
    expect(holdsFor('field is_present', value)).toBe(true);
  });

  it('compares a value as it is, without turning it into another type', () => {
    expect(holdsFor('field == 3', 3)).toBe(true);
    expect(holdsFor('field == 3', '3')).toBe(false);
    expect(holdsFor('field != 3', 3)).toBe(false);
    expect(holdsFor('field != 3', '3')).toBe(true);
  });

  it('finds a number in a list, as it finds a word', () => {
    expect(holdsFor('field in [1, 3]', 3)).toBe(true);
    expect(holdsFor('field in [1, 3]', 2)).toBe(false);
    expect(holdsFor('field in [effect, compute]', 'compute')).toBe(true);
    expect(holdsFor('field in [effect, compute]', 'comp')).toBe(false);
    expect(holdsFor('field in [1, 3]', null)).toBe(false);
    // Nothing else is turned into a word.
    expect(holdsFor('field in [true, null]', true)).toBe(false);
    expect(holdsFor('field in [true, null]', null)).toBe(false);
  });

  it('orders versions as semantic versioning does: a prerelease is older than its release', () => {
    const sorted = ['1.0.0-alpha', '1.0.0-alpha.1', '1.0.0-alpha.beta', '1.0.0-beta.2', '1.0.0-beta.11', '1.0.0-rc.1'];
    for (const [index, version] of [...sorted, '1.0.0', '1.0.1', '1.2.0', '1.10.0', '2.0.0'].entries())
      for (const [other, least] of [...sorted, '1.0.0', '1.0.1', '1.2.0', '1.10.0', '2.0.0'].entries())
        expect(holdsFor(`field at_least ${least}`, version), `${version} at_least ${least}`).toBe(index >= other);
  });

  it.each(['latest', '1', '', null, 3])('of a version does not hold for %j', (value) => {
    expect(holdsFor('field at_least 0.0.1', value)).toBe(false);
  });

  it.each([3, undefined])('of a version does not hold where the contract has %j for the version', (value) => {
    const odd = { field: 'field', operator: 'at_least', ...(value === undefined ? {} : { value }) } as const;
    expect(holds(odd, { field: '1.0.0' })).toBe(false);
  });

  it('of a pattern looks at no more than 256 characters: a longer value does not match', () => {
    expect(holdsFor('field matches ^a+$', 'a'.repeat(256))).toBe(true);
    expect(holdsFor('field matches ^a+$', 'a'.repeat(257))).toBe(false);
    expect(holdsFor('field matches ^a+$', 'ab')).toBe(false);
    expect(holdsFor('field matches 3', 3)).toBe(false);
    // The engine would take bytes too.
    expect(holdsFor('field matches a', [97])).toBe(false);
  });

  it('of a pattern takes linear time: one that a backtracking engine never ends is answered', () => {
    const pattern = 'field matches ^([a-z0-9]+-?)+$';
    expect(holdsFor(pattern, `${'a'.repeat(255)}!`)).toBe(false);
    expect(holdsFor(pattern, 'a'.repeat(256))).toBe(true);
  });
});
