import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const FOLDERS = {
  orchestrator: 'node_registration_orchestrator',
  reducer: 'node_registration_reducer',
  effect: 'node_registry_effect',
} as const;
export type Part = keyof typeof FOLDERS;

/** A contract directory that holds only the given (partial) files; the rest comes from the shipped ones. */
export function contractDirectory(files: Partial<Record<Part, string>>): string {
  const dir = mkdtempSync(join(tmpdir(), 'contracts-'));
  for (const [part, text] of Object.entries(files) as [Part, string][]) {
    mkdirSync(join(dir, FOLDERS[part]));
    writeFileSync(join(dir, FOLDERS[part], 'contract.yaml'), text);
  }
  return dir;
}
