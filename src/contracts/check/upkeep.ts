import type { ContractSources } from '../sources.js';
import { VARIABLES } from '../vocabulary.js';
import type { Faults } from './faults.js';
import { checkCondition, checkNames } from './templates.js';

/** A week: how long Kafka keeps a record where a topic says nothing else. */
const REDELIVERED_FOR_SECONDS = 604_800;

/** Admission rules: a condition that there is, and a reason in words. */
export function checkAdmission({ orchestrator }: ContractSources, faults: Faults): void {
  orchestrator.admission.forEach((rule, index) => {
    checkCondition('orchestrator', ['admission', index, 'require'], rule.require, VARIABLES, faults);
    checkNames('orchestrator', ['admission', index, 'reason'], rule.reason, faults);
  });
}

/** How long ended nodes are remembered, and who finds the dead. */
export function checkUpkeep({ orchestrator }: ContractSources, faults: Faults): void {
  const { ended_seconds } = orchestrator.retention;
  if (ended_seconds < REDELIVERED_FOR_SECONDS)
    faults.add(
      'orchestrator',
      ['retention', 'ended_seconds'],
      `a node that is forgotten after ${ended_seconds} s can be resurrected by an old introspection that Kafka ` +
        `delivers again: use at least ${REDELIVERED_FOR_SECONDS} (a week)`,
    );
  if (orchestrator.sweep !== null) return;
  const { window_seconds } = orchestrator.liveness;
  orchestrator.timers.forEach((timer, index) => {
    if (timer.verify === 'lease' && timer.seconds > window_seconds)
      faults.add(
        'orchestrator',
        ['timers', index, 'seconds'],
        'without a sweep (sweep: null) only this timer finds a dead node: let it be at most the lease ' +
          `duration (${window_seconds} s), or let a sweep run`,
      );
  });
}
