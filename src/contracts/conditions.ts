import { RE2JS } from 're2js';
import valid from 'semver/functions/valid.js';
import type { Condition, Operator } from './compiled.js';

const OPERATORS: readonly Operator[] = ['is_present', 'is_absent', '==', '!=', 'in', 'at_least', 'matches'];
/** A pattern this long is a mistake, not a rule. */
const LONGEST_PATTERN = 200;

/**
 * Parses a condition such as "node_id is_present" (specification, Phase 2, `conditions`).
 *
 * @returns the condition, or a sentence that says what is wrong with it
 */
export function parseCondition(expression: string): Condition | string {
  const parts = /^\s*(?<field>[a-z_][a-z0-9_.]*)\s+(?<operator>\S+)\s*(?<rest>.*?)\s*$/i.exec(expression)?.groups;
  if (parts === undefined) {
    return `"${expression}" is not a condition: write "field operator value", for example "node_id is_present"`;
  }
  const { field, operator, rest } = parts as Record<'field' | 'operator' | 'rest', string>;
  const known = OPERATORS.find((candidate) => candidate === operator);
  if (known === undefined)
    return `unknown operator "${operator}" in "${expression}": use one of ${OPERATORS.join(', ')}`;
  if (known === 'is_present' || known === 'is_absent') {
    return rest === ''
      ? { field, operator: known }
      : `"${known}" takes no value: remove "${rest}" from "${expression}"`;
  }
  if (rest === '') return `"${known}" needs a value in "${expression}"`;
  if (known === 'in') {
    const list = rest
      .replace(/^\[|\]$/g, '')
      .split(',')
      .map((item) => String(scalar(item)));
    return { field, operator: known, value: list };
  }
  const value = scalar(rest);
  if (known === 'at_least' && valid(String(value)) === null) {
    return `"at_least" compares semantic versions: "${rest}" in "${expression}" is none (write for example 1.2.0)`;
  }
  if (known === 'matches') {
    if (rest.length > LONGEST_PATTERN)
      return `the pattern in "${expression.slice(0, 40)}…" is longer than ${LONGEST_PATTERN} characters`;
    try {
      RE2JS.compile(String(value));
    } catch (error) {
      return `the pattern in "${expression}" is none that takes linear time (RE2): ${(error as Error).message}`;
    }
  }
  return { field, operator: known, value: known === 'matches' ? String(value) : value };
}

function scalar(text: string): string | number | boolean {
  const bare = text.trim();
  if (/^(["']).*\1$/.test(bare)) return bare.slice(1, -1);
  if (bare === 'true' || bare === 'false') return bare === 'true';
  return /^-?\d+(\.\d+)?$/.test(bare) ? Number(bare) : bare;
}
