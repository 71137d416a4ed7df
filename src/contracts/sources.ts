import type { Position, Positions } from './located.js';
import type { EffectContract, OrchestratorContract, ReducerContract } from './schema.js';

export type ContractPart = 'orchestrator' | 'reducer' | 'effect';

/** The three contracts as they stand in YAML, validated; positions know where everything stood. */
export interface ContractSources {
  readonly orchestrator: OrchestratorContract;
  readonly reducer: ReducerContract;
  readonly effect: EffectContract;
  readonly positions: Positions;
  /** The topmost file of each part: where a fault of the whole contract is shown. */
  readonly files: Readonly<Record<ContractPart, string>>;
  /** The files that each part was merged from, the shipped one first. */
  readonly layers: Readonly<Record<ContractPart, readonly string[]>>;
}

/** Where a part of the contract stood; the nearest part around it that exists, else the top of the file. */
export function positionOf(sources: ContractSources, part: ContractPart, path: readonly (string | number)[]): Position {
  return sources.positions.at(sources[part], path, sources.files[part]);
}

/** The layer that a part of the contract comes from: 0 is the shipped contract, 1 what lies over it. */
export function layerOf(sources: ContractSources, part: ContractPart, path: readonly (string | number)[]): number {
  return sources.layers[part].indexOf(positionOf(sources, part, path).file);
}
