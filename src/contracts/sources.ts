import type { Positions } from './located.js';
import type { EffectContract, OrchestratorContract, ReducerContract } from './schema.js';

/** The three contracts as they stand in YAML, validated; positions know where everything stood. */
export interface ContractSources {
  readonly orchestrator: OrchestratorContract;
  readonly reducer: ReducerContract;
  readonly effect: EffectContract;
  readonly positions: Positions;
  readonly files: Readonly<Record<'orchestrator' | 'reducer' | 'effect', string>>;
}
