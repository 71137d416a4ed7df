import { check } from './check/index.js';
import type { CompiledContract, ConsumedEvent, Reconcile, Retention, SelfPreservationRule, Sweep } from './compiled.js';
import { compile, topicsOf } from './compile.js';
import { ContractError } from './contract-error.js';
import { readSources, SHIPPED_CONTRACTS } from './read.js';
import type { SigningContract } from './schema.js';

export { ContractError } from './contract-error.js';
export { SHIPPED_CONTRACTS } from './read.js';

/** What a contract directory gives: the compiled form for workflows, and what only the bridge and the CLI need. */
export interface Contracts {
  readonly compiled: CompiledContract;
  /** One event may come from several topics. */
  readonly consumed: readonly ConsumedEvent[];
  /** Topic template by action, of everything that is published. */
  readonly topics: Readonly<Record<string, string>>;
  /** null: no sweep runs. */
  readonly sweep: Sweep | null;
  /** null: Consul and the registry are not compared. */
  readonly reconcile: Reconcile | null;
  readonly retention: Retention;
  readonly selfPreservation: SelfPreservationRule;
  /** Whether idle partitions of the heartbeats' and acks' topics are sent markers. */
  readonly stream_markers: boolean;
  readonly signing: SigningContract;
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
  const { sweep, reconcile, retention, stream_markers, signing, liveness } = sources.orchestrator;
  const { brake: selfPreservation } = liveness;
  return {
    compiled: compile(sources),
    ...topicsOf(sources.orchestrator),
    sweep,
    reconcile,
    retention,
    stream_markers,
    signing,
    selfPreservation,
  };
}
