import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ContractError, loadContracts, SHIPPED_CONTRACTS } from '../src/contracts/load.js';

/**
 * Checks the contracts that ship: as they are, and with each overlay of
 * `contracts/overlays/` laid over them. It is `registrar contracts check` for
 * all of them in one process.
 */

const overlays = join(SHIPPED_CONTRACTS, 'overlays');
const directories = [
  undefined,
  ...(existsSync(overlays) ? readdirSync(overlays).sort() : []).map((name) => join(overlays, name)),
];

for (const directory of directories) {
  const name = directory ?? SHIPPED_CONTRACTS;
  try {
    console.log(`${name}: ${loadContracts(directory).compiled.version}`);
  } catch (error) {
    if (!(error instanceof ContractError)) throw error;
    console.error(`${name}: ${error.faults.length} faults\n${error.message}`);
    process.exitCode = 1;
  }
}
