import { sourcesOf } from '../compile-machine.js';
import type { ContractSources } from '../sources.js';
import type { Faults } from './faults.js';

/** A timer that fires leads somewhere, from every state that has it. */
export function checkTimers({ orchestrator }: ContractSources, faults: Faults): void {
  const { state_machine: machine, timers } = orchestrator;
  machine.states.forEach((state, index) => {
    const timer = timers.find((each) => each.timer === state.timer);
    if (timer === undefined) return;
    const leads = machine.transitions.some(
      (row) => row.trigger === timer.trigger && sourcesOf(row.from_state, machine).includes(state.state_name),
    );
    if (!leads)
      faults.add(
        'orchestrator',
        ['state_machine', 'states', index, 'timer'],
        `timer "${timer.timer}" does nothing in "${state.state_name}": add a transition from it on "${timer.trigger}"`,
      );
  });
}

/** A node that beats as it is asked to may miss a beat. */
export function checkLease({ orchestrator }: ContractSources, faults: Faults): void {
  const { window_seconds, heartbeat_interval_seconds } = orchestrator.liveness;
  if (window_seconds > 2 * heartbeat_interval_seconds) return;
  faults.addTopmost(
    'orchestrator',
    [
      ['liveness', 'window_seconds'],
      ['liveness', 'heartbeat_interval_seconds'],
    ],
    `a lease of ${window_seconds} s ends before two heartbeats of every ${heartbeat_interval_seconds} s are ` +
      `missed: use more than ${2 * heartbeat_interval_seconds}`,
  );
}
