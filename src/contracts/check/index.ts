import type { Fault } from '../located.js';
import type { ContractSources } from '../sources.js';
import { checkCalls, checkEffects } from './effects.js';
import { checkEvents } from './events.js';
import { Faults } from './faults.js';
import { checkFilled } from './filled.js';
import { checkIntents } from './intents.js';
import { checkMachines, checkWays } from './machine.js';
import { checkOutputs } from './outputs.js';
import { checkRouting } from './routing.js';
import { checkLease, checkTimers } from './timers.js';
import { checkConsumed, checkTopics } from './topics.js';
import { checkAdmission, checkUpkeep } from './upkeep.js';

type Check = (sources: ContractSources, faults: Faults) => void;

/** Is every name known, every row unambiguous, every number possible? */
const WORDS: readonly Check[] = [
  checkConsumed,
  checkTopics,
  checkRouting,
  checkMachines,
  checkEvents,
  checkIntents,
  checkEffects,
  checkCalls,
  checkLease,
  checkAdmission,
  checkUpkeep,
];

/** Where all words are known: what do they lead to? */
const CONSEQUENCES: readonly Check[] = [checkWays, checkTimers, checkOutputs, checkFilled];

/**
 * Does the contract hold together? Everything that would show only while a node
 * registers is found here, before anything starts.
 *
 * @returns every fault, each with its place and what to change; what follows from an unknown word is left out
 */
export function check(sources: ContractSources): Fault[] {
  for (const checks of [WORDS, CONSEQUENCES]) {
    const faults = new Faults(sources);
    for (const each of checks) each(sources, faults);
    if (faults.all().length > 0) return faults.all();
  }
  return [];
}
