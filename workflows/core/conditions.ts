import { RE2JS } from 're2js';
import gte from 'semver/functions/gte.js';
import valid from 'semver/functions/valid.js';
import type { Condition } from '../../src/contracts/compiled.js';

/** A value longer than this never matches a pattern. RE2 takes linear time, and this bounds what it is linear in. */
const LONGEST_MATCHED = 256;

/**
 * Does a condition hold? Total: whatever the value is, the answer is yes or no.
 *
 * @param condition one compiled condition
 * @param fields the values it may speak of
 */
export function holds(condition: Condition, fields: Readonly<Record<string, unknown>>): boolean {
  const actual = fields[condition.field];
  const present = actual !== undefined && actual !== null && actual !== '';
  switch (condition.operator) {
    case 'is_present':
      return present;
    case 'is_absent':
      return !present;
    case '==':
      return actual === condition.value;
    case '!=':
      return actual !== condition.value;
    case 'in':
      return isIn(actual, condition.value);
    case 'at_least':
      return (
        typeof actual === 'string' &&
        typeof condition.value === 'string' &&
        valid(actual) !== null &&
        gte(actual, condition.value)
      );
    case 'matches':
      return (
        typeof actual === 'string' &&
        actual.length <= LONGEST_MATCHED &&
        RE2JS.compile(String(condition.value)).matcher(actual).find()
      );
  }
}

function isIn(actual: unknown, list: Condition['value']): boolean {
  return Array.isArray(list) && list.some((item) => item === (typeof actual === 'number' ? String(actual) : actual));
}
