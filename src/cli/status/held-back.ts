import { selfPreservationQuestion } from '../../bridge/liveness/watch-self-preservation.js';
import type { Config } from '../../config/index.js';
import { loadContracts } from '../../contracts/load.js';
import { readSelfPreservation } from '../../registry/leases/self-preservation.js';
import { heldSentence } from '../../registry/leases/self-preservation-words.js';
import { readRegistryRow } from '../../registry/rows/read-registry-row.js';
import { withRegistry } from '../connect.js';

/** Why a node whose lease is over has not expired, where self-preservation holds it; null for any other node. */
export async function heldBack(nodeId: string, config: Config): Promise<string | null> {
  const question = selfPreservationQuestion(loadContracts(config.contractsDir), config);
  return withRegistry(config, async (pool) => {
    const row = await readRegistryRow(pool, nodeId);
    if (row === null || row.lease_deadline === null || row.expired_at !== null) return null;
    const now = new Date().toISOString();
    if (row.lease_deadline > now) return null;
    const state = await readSelfPreservation(pool, question);
    return state.held_since === null ? null : heldSentence(state, question, now);
  });
}
