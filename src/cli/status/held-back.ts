import type { Pool } from 'pg';
import { selfPreservationQuestion } from '../../bridge/liveness/watch-self-preservation.js';
import type { Config } from '../../config/index.js';
import type { Contracts } from '../../contracts/load.js';
import { readSelfPreservation } from '../../registry/leases/self-preservation.js';
import { heldSentence } from '../../registry/leases/self-preservation-words.js';
import type { RegistryRow } from '../../registry/rows/read-registry-row.js';

/** Why a node whose lease is over has not expired, where self-preservation holds it; null for any other node. */
export async function heldBack(
  row: RegistryRow | null,
  pool: Pool,
  config: Config,
  contracts: Contracts,
): Promise<string | null> {
  if (row === null || row.lease_deadline === null || row.expired_at !== null) return null;
  const now = new Date().toISOString();
  if (row.lease_deadline > now) return null;
  const question = selfPreservationQuestion(contracts, config);
  const state = await readSelfPreservation(pool, question);
  return state.held_since === null ? null : heldSentence(state, question, now);
}
