import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { z } from 'zod';
import { check } from './check.js';
import type { Brake, CompiledContract, ConsumedEvent, Retention, Sweep } from './compiled.js';
import { compile, topicsOf } from './compile.js';
import { parseLocated, Positions, type Fault } from './located.js';
import { mergeContract } from './merge.js';
import { effectSchema, orchestratorSchema, reducerSchema } from './schema.js';
import type { ContractSources } from './sources.js';

/** What a contract directory gives: the compiled form for workflows, and beside it what only the bridge and the CLI need. */
export interface Contracts {
  readonly compiled: CompiledContract;
  readonly consumed: readonly ConsumedEvent[];
  /** Topic template by action, of everything that is published. */
  readonly topics: Readonly<Record<string, string>>;
  /** null: no sweep runs. */
  readonly sweep: Sweep | null;
  readonly retention: Retention;
  readonly brake: Brake;
}

/** Every fault of a contract directory at once, one a line. */
export class ContractError extends Error {
  constructor(readonly faults: readonly Fault[]) {
    super(faults.map((fault) => `${fault.file}:${fault.line}:${fault.column}: ${fault.message}`).join('\n'));
    this.name = 'ContractError';
  }
}

/** The specification's folders: a contract a node. */
const FILES = {
  orchestrator: 'node_registration_orchestrator/contract.yaml',
  reducer: 'node_registration_reducer/contract.yaml',
  effect: 'node_registry_effect/contract.yaml',
} as const;
const SCHEMAS = { orchestrator: orchestratorSchema, reducer: reducerSchema, effect: effectSchema } as const;
type Part = keyof typeof FILES;

/** The contracts that ship with the package. */
export const SHIPPED_CONTRACTS = shippedDirectory();

function shippedDirectory(): string {
  // From the source tree the folder is two levels up; from dist/src/contracts it is three.
  const here = fileURLToPath(new URL('.', import.meta.url));
  return (
    [join(here, '../../contracts'), join(here, '../../../contracts')].find((dir) =>
      existsSync(join(dir, FILES.orchestrator)),
    ) ?? join(here, '../../contracts')
  );
}

/**
 * Loads, merges, validates and compiles a directory of contracts. A file that
 * the directory lacks is taken from the shipped ones, and what a file leaves
 * out too: a directory may hold only what it changes.
 *
 * @param dir the directory
 * @throws ContractError with every fault, each with file, line and column
 */
export function loadContracts(dir: string = SHIPPED_CONTRACTS): Contracts {
  const sources = readSources(dir);
  const faults = check(sources);
  if (faults.length > 0) throw new ContractError(faults);
  const { sweep, retention, liveness } = sources.orchestrator;
  return { compiled: compile(sources), ...topicsOf(sources.orchestrator), sweep, retention, brake: liveness.brake };
}

function readSources(dir: string): ContractSources {
  const positions = new Positions();
  const faults: Fault[] = [];
  const data: Partial<Record<Part, unknown>> = {};
  const files = { ...FILES } as Record<Part, string>;
  for (const part of Object.keys(FILES) as Part[]) {
    const shipped = readPart(join(SHIPPED_CONTRACTS, FILES[part]), positions, faults);
    const own = join(dir, FILES[part]);
    files[part] = shown(existsSync(own) ? own : join(SHIPPED_CONTRACTS, FILES[part]));
    const changed = dir !== SHIPPED_CONTRACTS && existsSync(own) ? readPart(own, positions, faults) : undefined;
    data[part] = changed && shipped ? mergeContract(shipped, changed, positions) : shipped;
  }
  if (faults.length > 0) throw new ContractError(faults);
  for (const part of Object.keys(FILES) as Part[])
    faults.push(...schemaFaults(SCHEMAS[part], data[part], positions, files[part]));
  if (faults.length > 0) throw new ContractError(faults);
  // Validated above; the unparsed data is used so that the positions still belong to it.
  return { ...(data as Record<Part, never>), positions, files };
}

function readPart(path: string, positions: Positions, faults: Fault[]): Record<string, unknown> | undefined {
  const { data, faults: found } = parseLocated(readFileSync(path, 'utf8'), shown(path), positions);
  faults.push(...found);
  if (found.length === 0 && (typeof data !== 'object' || data === null || Array.isArray(data))) {
    faults.push({
      file: shown(path),
      line: 1,
      column: 1,
      message: 'a contract is a map of keys: this file holds something else',
    });
    return undefined;
  }
  return data as Record<string, unknown> | undefined;
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
    return { ...positions.at(data as object, path, { file, line: 1, column: 1 }), message };
  });
}

/** Paths in messages read best from where the person stands. */
function shown(path: string): string {
  const here = relative(process.cwd(), path);
  return here.startsWith('..') ? path : here;
}
