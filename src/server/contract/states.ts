import type { CompiledContract, State } from '../../contracts/compiled.js';
import { livesByLease } from '../../../workflows/core/index.js';
import type { StateView } from '../api/contract.js';

type Look = Omit<StateView, 'name'>;

/**
 * Colour, sign and group of each state of the orchestrator, from what the
 * contract says of it: an overlay's new state gets its own without any code.
 *
 * @returns in the order of the contract, the lasting ones before the ends
 */
export function stateViews(contract: CompiledContract): StateView[] {
  const { states, initial } = contract.orchestrator;
  const views = Object.entries(states).map(([name, state]): StateView => {
    const look = state.terminal ? endLook(name, contract) : lastingLook(name, state, initial, contract);
    return { name, ...look };
  });
  const order = ['on_the_way', 'registered', 'ended'];
  return views.sort((a, b) => order.indexOf(a.group) - order.indexOf(b.group));
}

function lastingLook(name: string, state: State, initial: string, contract: CompiledContract): Look {
  if (livesByLease(name, contract))
    return state.discoverable
      ? { tone: 'active', shape: 'dot', group: 'registered' }
      : { tone: 'draining', shape: 'down', group: 'registered' };
  if (name === initial) return { tone: 'working', shape: 'half', group: 'on_the_way' };
  if (state.timer !== null) return { tone: 'waiting', shape: 'diamond', group: 'on_the_way' };
  const answered = sourcesOf(name, contract).some(({ source }) => source.timer !== null);
  return answered
    ? { tone: 'waiting', shape: 'diamond-full', group: 'on_the_way' }
    : { tone: 'working', shape: 'target', group: 'on_the_way' };
}

/** How an end came about says how it looks: by the lease's timer, by another timer, by a refusal, by leaving. */
function endLook(name: string, contract: CompiledContract): Look {
  const triggers = new Set(sourcesOf(name, contract).map(({ trigger }) => trigger));
  for (const { trigger, verify } of Object.values(contract.timers)) {
    if (!triggers.has(trigger)) continue;
    return verify === 'lease'
      ? { tone: 'expired', shape: 'cross', group: 'ended' }
      : { tone: 'timed-out', shape: 'hour', group: 'ended' };
  }
  // A trigger that leads here from the initial state alone is a refusal; one that may come at any time is leaving.
  const sources = new Set(sourcesOf(name, contract).map(({ from }) => from));
  return sources.size === 1 && sources.has(contract.orchestrator.initial)
    ? { tone: 'rejected', shape: 'ban', group: 'ended' }
    : { tone: 'left', shape: 'bar', group: 'ended' };
}

function sourcesOf(name: string, contract: CompiledContract) {
  return Object.entries(contract.orchestrator.states).flatMap(([from, source]) =>
    Object.entries(source.transitions)
      .filter(([, { to }]) => to === name)
      .map(([trigger]) => ({ from, source, trigger })),
  );
}
