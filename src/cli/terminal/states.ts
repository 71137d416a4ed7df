import type { CompiledContract } from '../../contracts/compiled.js';
import { ORCHESTRATOR_HANDLERS } from '../../contracts/vocabulary.js';
import { livesByLease } from '../../../workflows/core/registration.js';

/** What a state means to the person who looks at a node. */
export type StateMeaning = 'discoverable' | 'draining' | 'on_the_way' | 'left' | 'lost';

/** The states of a contract by what they mean: a contract may call them what it likes. */
export interface States {
  /** Every state, as the contract names it. */
  readonly names: readonly string[];
  /** The state in which an attempt begins. */
  readonly initial: string;
  /** The state in which others find a node; several are joined by "or". */
  readonly discoverable: string;
  /** The state in which a node is waited for to acknowledge; null where the contract has none. */
  readonly awaitingAck: string | null;
  /** The state that an acknowledgement leads to; null where the contract has none. */
  readonly acknowledged: string | null;
  /**
   * 'discoverable': others find the node. 'draining': it lives by a lease, and others do not find it. 'left': it has
   * said goodbye. 'lost': its attempt has ended otherwise. 'on_the_way': all the rest, words that are no state of the
   * contract included.
   */
  meaning(state: string): StateMeaning;
}

const { raises: LEAVES } = ORCHESTRATOR_HANDLERS.HandlerNodeIntrospected.actions.deregister;
const { raises: ACKNOWLEDGES } = ORCHESTRATOR_HANDLERS.HandlerNodeRegistrationAcked.actions.accept_ack;

/** Reads the meaning of each state from the contract: its attributes, its timers and the triggers that lead to it. */
export function statesOf(contract: Pick<CompiledContract, 'orchestrator' | 'timers'>): States {
  const { orchestrator, timers } = contract;
  const all = Object.entries(orchestrator.states);
  const left = new Set(all.flatMap(([, { transitions }]) => transitions[LEAVES]?.to ?? []));
  const waiting = all.find(([, { timer }]) => timer !== null && timers[timer]?.verify === 'acks_read');
  return {
    names: all.map(([name]) => name),
    initial: orchestrator.initial,
    discoverable: all.flatMap(([name, { discoverable }]) => (discoverable ? [name] : [])).join(' or '),
    awaitingAck: waiting?.[0] ?? null,
    acknowledged: waiting?.[1].transitions[ACKNOWLEDGES]?.to ?? null,
    meaning(name) {
      const state = orchestrator.states[name];
      if (state === undefined) return 'on_the_way';
      if (state.discoverable) return 'discoverable';
      if (livesByLease(name, contract)) return 'draining';
      if (!state.terminal) return 'on_the_way';
      return left.has(name) ? 'left' : 'lost';
    },
  };
}
