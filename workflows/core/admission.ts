import type { CompiledContract } from '../../src/contracts/compiled.js';
import type { Introspection } from '../../src/protocol/introspection.js';
import { holds } from './conditions.js';
import { variables, withChanges, type Registration } from './registration.js';
import { cut, fill, text } from '../../src/contracts/template.js';

/** The first admission rule that a node fails, in words; null when it may come in. */
export function refusalOf(
  registration: Registration,
  introspection: Introspection,
  contract: CompiledContract,
): string | null {
  const values = variables(withChanges(registration, { introspection }), contract);
  const broken = contract.admission.find((rule) => !holds(rule.require, values));
  return broken === undefined ? null : cut(text(fill(broken.reason, values)));
}
