import type { Contracts } from '../../contracts/load.js';
import { topicName } from '../../protocol/topics.js';
import type { ContractView } from '../api/contract.js';
import { drawMachine } from './drawing.js';
import { stateViews } from './states.js';

/** Names of well-known backends as their makers write them. */
const TITLES: Readonly<Record<string, string>> = { consul: 'Consul', postgres: 'PostgreSQL', kafka: 'Kafka' };

/** What the page must know of a contract. */
export function contractView(
  { compiled, consumed }: Pick<Contracts, 'compiled' | 'consumed'>,
  names: { readonly env: string; readonly namespace: string },
): ContractView {
  const ack = Object.values(compiled.timers).find(({ verify }) => verify === 'acks_read');
  const backends = [...new Set(Object.values(compiled.effects).map(({ backend }) => backend))];
  return {
    version: compiled.version,
    initial: compiled.orchestrator.initial,
    states: stateViews(compiled),
    orchestrator: drawMachine(compiled.orchestrator),
    reducer: drawMachine(compiled.reducer),
    lease_seconds: compiled.liveness.window_seconds,
    grace_seconds: compiled.liveness.grace_seconds,
    heartbeat_interval_seconds: compiled.liveness.heartbeat_interval_seconds,
    ack: ack === undefined ? null : { seconds: ack.seconds, rounds: ack.rounds },
    backends: Object.fromEntries(backends.map((name) => [name, titleOf(name)])),
    introspection_topic: topicName(consumed[0]?.topic ?? '', names),
  };
}

/** A backend's name for people. */
export function titleOf(backend: string): string {
  return TITLES[backend] ?? backend.charAt(0).toUpperCase() + backend.slice(1);
}
