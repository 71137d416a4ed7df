import type { CompiledContract } from '../../src/contracts/compiled.js';
import type { Introspection } from '../../src/protocol/introspection.js';
import { holds } from './conditions.js';
import { variables, withChanges, type Registration } from './registration.js';
import { cut, fill, text } from '../../src/contracts/template.js';

/** Why a node may not come in: it is banned, or the first admission rule that it fails; null when it may. */
export function refusalOf(
  registration: Registration,
  introspection: Introspection,
  contract: CompiledContract,
): string | null {
  if (typeof registration.ban === 'string') return cut(registration.ban);
  const values = variables(withChanges(registration, { introspection }), contract);
  const broken = contract.admission.find((rule) => !holds(rule.require, values));
  return broken === undefined ? null : cut(text(fill(broken.reason, values)));
}
