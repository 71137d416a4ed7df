import type { CompiledContract } from '../../contracts/compiled.js';
import { fire, livesByLease, stepDone, type Registration } from '../../../workflows/core/index.js';
import { clockSeconds } from '../terminal/format.js';
import type { Lease } from './explain-node.js';

/**
 * What happens to a registration next by itself, in one sentence at most. The core is asked: each trigger of the
 * current state is tried on what the run knows.
 *
 * @param now ISO 8601
 */
export function whatMayFollow(
  registration: Registration,
  lease: Lease | null,
  contract: CompiledContract,
  now: string,
): string[] {
  const { state, entering } = registration;
  if (entering !== null) return [];
  const triggers = Object.keys(contract.orchestrator.states[state ?? '']?.transitions ?? {});
  const ways = triggers.flatMap((trigger) => {
    const when = whenWords(trigger, state, lease, contract);
    const outcome = when === null ? null : outcomeOf(registration, trigger, now, contract);
    return outcome === null ? [] : [`${when}, ${outcome}`];
  });
  return ways.length === 0 ? [] : [`Next: ${ways.join('; ')}.`];
}

/** When a trigger is raised, for people; null for one that a person or the node raises whenever they like. */
function whenWords(
  trigger: string,
  state: string | null,
  lease: Lease | null,
  contract: CompiledContract,
): string | null {
  if (trigger === 'ack_received') return 'with the acknowledgement';
  const timer = contract.timers[contract.orchestrator.states[state ?? '']?.timer ?? ''];
  if (trigger === timer?.trigger) {
    if (timer.verify === 'acks_read') return 'without it';
    if (!livesByLease(state, contract)) return 'when the time is over';
    if (lease === null) return 'without a heartbeat';
    // When it expires is not known then.
    if (lease.held !== null) return null;
    const expires = Date.parse(lease.deadline) + contract.liveness.grace_seconds * 1_000;
    return `without a heartbeat by ${clockSeconds(new Date(expires).toISOString())}`;
  }
  const [, status] = /^reducer_(.+)$/.exec(trigger) ?? [];
  if (status === undefined) return null;
  return isConfirmed(status, contract) ? 'when every backend has confirmed' : 'if a backend refuses its data';
}

/** Whether confirmations lead to this status of the reducer. */
function isConfirmed(status: string, { reducer, confirmations }: CompiledContract): boolean {
  const triggers = new Set(Object.values(confirmations).map(({ trigger }) => trigger));
  return Object.values(reducer.states).some(({ transitions }) =>
    Object.entries(transitions).some(([trigger, { to }]) => to === status && triggers.has(trigger)),
  );
}

/** The states that a trigger leads through: "X and then Y"; null where it leads nowhere. */
function outcomeOf(
  registration: Registration,
  trigger: string,
  now: string,
  contract: CompiledContract,
): string | null {
  let then = fire(registration, trigger, now, contract).registration;
  if (then === registration) return null;
  const path = new Set<string>();
  for (;;) {
    if (then.state !== null && then.state !== registration.state) path.add(then.state);
    if (then.entering === null) break;
    path.add(then.entering.state);
    then = stepDone(then, now, contract).registration;
  }
  const back = path.has(registration.state ?? '');
  const round = back && then.rounds !== null ? ` again (round ${then.round} of ${then.rounds})` : '';
  return `${[...path].join(' and then ')}${round}${then.ended ? ', and the attempt ends' : ''}`;
}
