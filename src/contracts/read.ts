import { existsSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { z } from 'zod';
import { ContractError } from './contract-error.js';
import { parseLocated, Positions, type Fault } from './located.js';
import { mergeContract, namedTwice } from './merge.js';
import { effectSchema, orchestratorSchema, reducerSchema } from './schema.js';
import type { ContractSources, ContractPart } from './sources.js';

/** The specification's folders: a contract a node. */
const FILES: Readonly<Record<ContractPart, string>> = {
  orchestrator: 'node_registration_orchestrator/contract.yaml',
  reducer: 'node_registration_reducer/contract.yaml',
  effect: 'node_registry_effect/contract.yaml',
};
const SCHEMAS = { orchestrator: orchestratorSchema, reducer: reducerSchema, effect: effectSchema } as const;
const PARTS = Object.keys(FILES) as ContractPart[];

/** The contracts that ship with the package. */
export const SHIPPED_CONTRACTS = shippedDirectory();

function shippedDirectory(): string {
  // From the source tree the folder is two levels up; from dist/src/contracts it is three.
  const near = fileURLToPath(new URL('../../contracts', import.meta.url));
  return existsSync(near) ? near : fileURLToPath(new URL('../../../contracts', import.meta.url));
}

/**
 * Reads the three contracts of a directory, each laid over the shipped one, and
 * checks their shape.
 *
 * @param dir the directory; a file that it lacks is taken from the shipped contracts
 * @throws ContractError with every fault of YAML syntax, of repeated names, then of the schemas
 */
export function readSources(dir: string): ContractSources {
  const positions = new Positions();
  const faults: Fault[] = [];
  const data: Partial<Record<ContractPart, unknown>> = {};
  const files = {} as Record<ContractPart, string>;
  const layers = {} as Record<ContractPart, readonly string[]>;
  for (const part of PARTS) {
    const paths = [...new Set([join(SHIPPED_CONTRACTS, FILES[part]), resolve(dir, FILES[part])])].filter(
      (path, index) => index === 0 || existsSync(path),
    );
    const read = paths.map((path) => readFile(path, positions, faults));
    layers[part] = paths.map(shown);
    files[part] = layers[part].at(-1) ?? FILES[part];
    data[part] = read.reduce((base, partial) => base && partial && mergeContract(base, partial, positions));
  }
  if (faults.length > 0) throw new ContractError(faults);
  for (const part of PARTS) faults.push(...schemaFaults(SCHEMAS[part], data[part], positions, files[part]));
  if (faults.length > 0) throw new ContractError(faults);
  // Validated above; the unparsed data is used so that the positions still belong to it.
  return { ...(data as Record<ContractPart, never>), positions, files, layers };
}

function readFile(path: string, positions: Positions, faults: Fault[]): Record<string, unknown> | undefined {
  const file = shown(path);
  const { data, faults: found } = parseLocated(readFileSync(path, 'utf8'), file, positions);
  faults.push(...found);
  if (found.length > 0) return undefined;
  if (typeof data !== 'object' || data === null || Array.isArray(data)) {
    faults.push({
      file,
      line: 1,
      column: 1,
      message: 'a contract is a map of keys: this file holds something else',
    });
    return undefined;
  }
  for (const { name, key, list, first, second } of namedTwice(data)) {
    const { line } = positions.at(list, [first], file);
    const message = `"${name}" stands twice in ${key}, here and in line ${line}: keep one of them`;
    faults.push({ ...positions.at(list, [second], file), message });
  }
  return data as Record<string, unknown>;
}

function schemaFaults(schema: z.ZodType, data: unknown, positions: Positions, file: string): Fault[] {
  const result = schema.safeParse(data);
  if (result.success) return [];
  return result.error.issues.map((issue) => {
    const unknownKey = issue.code === 'unrecognized_keys' ? issue.keys[0] : undefined;
    const path = unknownKey === undefined ? issue.path : [...issue.path, unknownKey];
    const where = path.map(String).join('.');
    const message =
      unknownKey === undefined
        ? `${where}: ${issue.message}`
        : `${where}: this key is not known here; check its spelling or remove it`;
    return { ...positions.at(data as object, path, file), message };
  });
}

/** Paths in messages read best from where the person stands. */
function shown(path: string): string {
  const here = relative(process.cwd(), path);
  return here.startsWith('..') ? path : here;
}
