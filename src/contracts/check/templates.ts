import type { ContractPart } from '../sources.js';
import { parseCondition } from '../conditions.js';
import { VARIABLES } from '../vocabulary.js';
import { choose, type Faults, type YamlPath } from './faults.js';

/** Names in the "{…}" of a template, at whatever depth: each must be a variable. */
export function checkNames(
  part: ContractPart,
  path: YamlPath,
  template: unknown,
  faults: Faults,
  known: readonly string[] = VARIABLES,
): void {
  if (typeof template === 'object' && template !== null) {
    for (const [key, value] of Object.entries(template)) checkNames(part, [...path, key], value, faults, known);
    return;
  }
  const advice = known.length === 0 ? 'nothing is known here, write the text itself' : choose(known);
  for (const name of namesIn(template))
    if (!known.includes(name)) faults.add(part, path, `unknown variable "{${name}}": ${advice}`);
}

/** The names in the "{…}" of a template, at whatever depth. */
export function namesIn(template: unknown): string[] {
  if (typeof template === 'object' && template !== null) return Object.values(template).flatMap(namesIn);
  if (typeof template !== 'string') return [];
  return [...template.matchAll(/\{[^}]*\}/g)].map(([braced]) => braced.slice(1, -1));
}

/** A condition must be one, and speak of a field that there is. */
export function checkCondition(
  part: ContractPart,
  path: YamlPath,
  expression: string,
  fields: readonly string[],
  faults: Faults,
): void {
  const condition = parseCondition(expression);
  if (typeof condition === 'string') faults.add(part, path, condition);
  else if (!fields.includes(condition.field))
    faults.add(part, path, `unknown field "${condition.field}" in "${expression}": ${choose(fields)}`);
}
