import type { Condition } from '../../src/contracts/compiled.js';

/** A value longer than this never matches a pattern: it bounds the work of a hostile one. */
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
        compareVersions(actual, condition.value) >= 0
      );
    case 'matches':
      return (
        typeof actual === 'string' &&
        actual.length <= LONGEST_MATCHED &&
        new RegExp(String(condition.value)).test(actual)
      );
  }
}

function isIn(actual: unknown, list: Condition['value']): boolean {
  return Array.isArray(list) && list.some((item) => item === (typeof actual === 'number' ? String(actual) : actual));
}

/** Precedence of two semantic versions (semver.org 2.0.0, section 11): negative, 0 or positive. */
export function compareVersions(a: string, b: string): number {
  const [coreA, preA] = split(a);
  const [coreB, preB] = split(b);
  for (let i = 0; i < 3; i++) {
    const difference = (coreA[i] ?? 0) - (coreB[i] ?? 0);
    if (difference !== 0) return difference;
  }
  if (preA.length === 0 || preB.length === 0) return preB.length - preA.length === 0 ? 0 : preA.length === 0 ? 1 : -1;
  for (let i = 0; i < Math.max(preA.length, preB.length); i++) {
    const order = compareIdentifiers(preA[i], preB[i]);
    if (order !== 0) return order;
  }
  return 0;
}

function split(version: string): [number[], string[]] {
  const [withoutBuild = ''] = version.split('+');
  const dash = withoutBuild.indexOf('-');
  const core = dash < 0 ? withoutBuild : withoutBuild.slice(0, dash);
  const pre = dash < 0 ? '' : withoutBuild.slice(dash + 1);
  return [core.split('.').map(Number), pre === '' ? [] : pre.split('.')];
}

function compareIdentifiers(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? -1 : 1;
  const numericA = /^\d+$/.test(a);
  const numericB = /^\d+$/.test(b);
  if (numericA && numericB) return Number(a) - Number(b);
  if (numericA !== numericB) return numericA ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}
