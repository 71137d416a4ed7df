/**
 * Contracts as data, import it as "node-registrar/contracts":
 *
 * ```ts
 * import { compileContracts } from 'node-registrar/contracts';
 * const contract = compileContracts('my-contracts');
 * ```
 */
import type { CompiledContract } from './compiled.js';
import { loadContracts } from './load.js';

export type * from './compiled.js';
export type { Fault, Position } from './located.js';
export { ContractError } from './load.js';

/**
 * Loads, checks and compiles a directory of contracts; what it leaves out comes
 * from the shipped ones. The result is plain data, deeply frozen.
 *
 * @param dir the directory; by default only the shipped contracts
 * @throws ContractError with every fault, each with file, line and column
 */
export function compileContracts(dir?: string): CompiledContract {
  return deepFreeze(loadContracts(dir).compiled);
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
