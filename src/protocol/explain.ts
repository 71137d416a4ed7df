import type { z } from 'zod';
import { describe, printable } from './json.js';

const MAX_NAMED = 8;

/**
 * A refused message in one sentence for whoever sent it: each bad field with
 * its path, what was expected and what came.
 *
 * @param error what the schema found
 * @param input the value that was checked
 */
export function explain(error: z.ZodError, input: unknown): string {
  const named = error.issues.slice(0, MAX_NAMED).map((issue) => sentence(issue, input));
  const rest = error.issues.length - named.length;
  return named.join('; ') + (rest > 0 ? `; and ${rest} more` : '');
}

function sentence(issue: z.core.$ZodIssue, input: unknown): string {
  const path = issue.path.map((step) => printable(String(step), 64)).join('.') || 'message';
  return `${path}: expected ${expectation(issue)}, got ${describe(valueAt(input, issue.path))}`;
}

/** Issues that our own schemas raise already say what was expected. */
function expectation(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.expected;
    case 'invalid_value':
      return issue.values.length === 1 ? String(issue.values[0]) : `one of ${issue.values.map(String).join(', ')}`;
    case 'too_big':
      return `at most ${String(issue.maximum)}${unit(issue.origin)}`;
    case 'too_small':
      return `at least ${String(issue.minimum)}${unit(issue.origin)}`;
    case 'unrecognized_keys':
      return `no field ${issue.keys.join(', ')}`;
    default:
      return issue.message;
  }
}

function unit(origin: string): string {
  if (origin === 'string') return ' characters';
  return origin === 'array' ? ' items' : '';
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  let value = input;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[step];
  }
  return value;
}
