import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ContractError, loadContracts, type Contracts } from '../../../src/contracts/load.js';
import { temporaryFolder } from '../../run/temporary-folder.js';

const FOLDERS = {
  orchestrator: 'node_registration_orchestrator',
  reducer: 'node_registration_reducer',
  effect: 'node_registry_effect',
} as const;
export type Part = keyof typeof FOLDERS;
export type PartialContracts = Partial<Record<Part, string>>;

/**
 * A contract directory that holds only the given (partial) files; the rest comes
 * from the shipped ones. It is removed after the tests of the file.
 */
export function contractDirectory(files: PartialContracts): string {
  const dir = temporaryFolder('contracts');
  for (const [part, text] of Object.entries(files) as [Part, string][]) {
    mkdirSync(join(dir, FOLDERS[part]));
    writeFileSync(join(dir, FOLDERS[part], 'contract.yaml'), text);
  }
  return dir;
}

/** The shipped contracts with these files laid over them. */
export function laidOver(files: PartialContracts): Contracts {
  return loadContracts(contractDirectory(files));
}

/**
 * Every fault of these files, as "line:column: sentence". The files are called
 * "contract.yaml" in them, and a shipped one "shipped contract.yaml" without its
 * line, which any edit of it moves.
 */
export function faultsOf(files: PartialContracts): string[] {
  const dir = contractDirectory(files);
  const shown = (text: string): string =>
    text
      .replaceAll(new RegExp(`${dir}/[a-z_]+/contract.yaml`, 'g'), 'contract.yaml')
      .replaceAll(/\S*contracts\/[a-z_]+\/contract\.yaml:\d+/g, 'shipped contract.yaml');
  try {
    loadContracts(dir);
    return [];
  } catch (error) {
    if (!(error instanceof ContractError)) throw error;
    return error.faults.map(({ file, line, column, message }) =>
      file.startsWith(dir) ? `${line}:${column}: ${shown(message)}` : `shipped ${shown(message)}`,
    );
  }
}
