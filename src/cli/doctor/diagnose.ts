import type { Config } from '../../config/index.js';
import { loadContracts, type Contracts } from '../../contracts/load.js';
import { errorText } from '../../error-text.js';
import type { Check, Scope } from './check.js';
import { checkClocks } from './clock-checks.js';
import { checkConsul } from './consul-checks.js';
import { checkKafka } from './kafka-checks.js';
import { checkRegistry } from './registry-checks.js';
import { checkTemporal } from './temporal-checks.js';

export interface Diagnosis {
  readonly ok: boolean;
  readonly checks: readonly Check[];
}

/**
 * Looks at the contracts, at every connection, at what must be behind it, at worker and bridge, and at the clocks.
 * Changes nothing; it sends markers, which no reader is given.
 */
export async function diagnose(config: Config): Promise<Diagnosis> {
  const { contracts, check } = checkContracts(config);
  const connections = await checkConnections(config, contracts, { running: true });
  // One after the other: busy servers answer late, and a late answer says less of a clock.
  const clocks = contracts === null ? [] : await checkClocks(config, contracts);
  const checks = [check, ...connections, ...clocks];
  return { ok: checks.every(({ ok }) => ok), checks };
}

/**
 * Checks every connection once, side by side. Changes nothing.
 *
 * @param contracts null when they could not be loaded: then nobody knows the topics, and Kafka is not checked
 */
export async function checkConnections(config: Config, contracts: Contracts | null, scope: Scope): Promise<Check[]> {
  const groups = await Promise.all([
    checkTemporal(config, scope),
    contracts === null ? [] : checkKafka(config, contracts, scope),
    checkConsul(config),
    checkRegistry(config, contracts, scope),
  ]);
  return groups.flat();
}

function checkContracts({ contractsDir }: Config): { readonly contracts: Contracts | null; readonly check: Check } {
  const about = { about: 'contracts', what: contractsDir } as const;
  try {
    const contracts = loadContracts(contractsDir);
    return { contracts, check: { ...about, ok: true, found: `version ${contracts.compiled.version}`, todo: null } };
  } catch (error) {
    const todo = 'Correct these lines; a worker refuses to start with them.';
    return { contracts: null, check: { ...about, ok: false, found: errorText(error), todo } };
  }
}
