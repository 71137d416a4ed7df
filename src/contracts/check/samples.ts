import type { ContractSources } from '../sources.js';
import { VARIABLES, type Variable } from '../vocabulary.js';
import type { FillPlace } from './known.js';

export const SAMPLE_NODE = 'abc-123';
export const SAMPLE_TIME = new Date('2026-01-31T12:00:00.000Z');
const CORRELATION = '11111111-1111-4111-8111-111111111111';
const ATTEMPT = '22222222-2222-4222-8222-222222222222';

/** Values as a node's run has them, for trying templates out. */
export type Sample = Readonly<Record<Variable, unknown>>;

/** Everything is known: a node with endpoints and capabilities. */
export function fullSample(
  { orchestrator }: ContractSources,
  place: Pick<FillPlace, 'state' | 'entering' | 'previous_state'>,
): Sample {
  const time = (seconds: number): string => new Date(SAMPLE_TIME.getTime() + seconds * 1000).toISOString();
  return {
    node_id: SAMPLE_NODE,
    node_type: 'effect',
    node_version: '1.2.3',
    endpoints: { health: 'http://10.0.0.1:8080/health' },
    capabilities: ['batch', 'storage'],
    correlation_id: CORRELATION,
    epoch: 1,
    introspected_at: time(0),
    registration_attempt_id: ATTEMPT,
    attempt: 1,
    state: place.state,
    entering: place.entering,
    discoverable: false,
    lease: null,
    previous_state: place.previous_state,
    reducer_status: 'pending',
    reason: 'a reason in words',
    check_output: 'what the check says',
    round: 1,
    rounds: 3,
    rounds_left: 2,
    ack_deadline: time(30),
    liveness_deadline: time(60),
    last_heartbeat_at: time(20),
    first_deadline_seconds: orchestrator.liveness.first_deadline_seconds,
    window_seconds: orchestrator.liveness.window_seconds,
    heartbeat_interval_seconds: orchestrator.liveness.heartbeat_interval_seconds,
    contract_version: '1.0.0+r1.0.0.e1.0.0.01234567',
  };
}

/** Only what is sure to be known at a place; a node without endpoints and capabilities. */
export function sparseSample(sources: ContractSources, place: FillPlace): Sample {
  const full = { ...fullSample(sources, place), endpoints: {}, capabilities: [] };
  const entries = VARIABLES.map((name) => [name, place.known.has(name) ? full[name] : null]);
  return Object.fromEntries(entries) as Sample;
}
