import type { Config } from '../../config/index.js';
import type { Contracts } from '../../contracts/load.js';
import type { OnProgress } from '../../stack/index.js';
import { checkConnections } from '../doctor/diagnose.js';

/**
 * A start proves itself once: one check of each connection, the same that
 * `registrar doctor` makes. Nothing is left in Temporal or Kafka. A problem is
 * shown, with what to do, and keeps nobody from starting: nodes wait for it too.
 */
export async function reportProblems(config: Config, contracts: Contracts, onProgress: OnProgress): Promise<void> {
  const checks = await checkConnections(config, contracts, { running: false });
  for (const { about, what, ok, found, todo } of checks)
    if (!ok) onProgress({ kind: 'step', about, text: `${what}: ${found}${todo === null ? '' : ` → ${todo}`}` });
}
