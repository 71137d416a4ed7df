import type { Fault } from './located.js';

/** Every fault of a contract directory at once, one a line. */
export class ContractError extends Error {
  constructor(readonly faults: readonly Fault[]) {
    super(faults.map((fault) => `${fault.file}:${fault.line}:${fault.column}: ${fault.message}`).join('\n'));
    this.name = 'ContractError';
  }
}
