import type { LogRecord, Snapshot } from '../../chaos/checker/snapshot.js';

/** A log in which seven nodes live as they should, written by hand: what the checker has nothing to say against. */

const SETTINGS: Snapshot['settings'] = {
  ack_seconds: 8,
  ack_rounds: 2,
  first_deadline_seconds: 10,
  window_seconds: 10,
  grace_seconds: 3,
  found_within_seconds: 15,
};

/** Noon; every time below is in seconds since then. */
const NOON = Date.parse('2026-01-31T12:00:00Z');
export const at = (seconds: number): number => NOON + seconds * 1_000;
const iso = (seconds: number): string => new Date(at(seconds)).toISOString();

const TOPICS = {
  introspection: 'onex.evt.node-introspection.v1',
  ack: 'onex.cmd.node-registration-acked.v1',
  drainRequest: 'onex.cmd.node-drain-requested.v1',
  heartbeat: 'onex.evt.node-heartbeat.v1',
  NodeRegistrationInitiated: 'onex.evt.node-registration-initiated.v1',
  NodeRegistrationAccepted: 'onex.evt.node-registration-accepted.v1',
  NodeRegistrationRejected: 'onex.evt.node-registration-rejected.v1',
  NodeRegistrationAckReceived: 'onex.evt.node-registration-ack-received.v1',
  NodeRegistrationAckTimedOut: 'onex.evt.node-registration-ack-timed-out.v1',
  NodeBecameActive: 'onex.evt.node-became-active.v1',
  NodeDraining: 'onex.evt.node-draining.v1',
  NodeLivenessExpired: 'onex.evt.node-liveness-expired.v1',
  NodeDeregistered: 'onex.evt.node-deregistered.v1',
} as const;
type Topic = keyof typeof TOPICS;

let offset = 0;

function record(topic: Topic, seconds: number, node_id: string, value: object): LogRecord {
  return {
    topic: TOPICS[topic],
    partition: 0,
    offset: offset++,
    at: at(seconds),
    key: node_id,
    value: JSON.stringify(value),
    headers: {},
  };
}

export function introspection(
  node: string,
  seconds: number,
  correlation: string,
  reason = 'startup',
  patch = 0,
): LogRecord {
  return record('introspection', seconds, node, {
    payload: {
      node_id: node,
      correlation_id: correlation,
      reason,
      node_version: { major: 1, minor: 0, patch, prerelease: null, build: null },
    },
  });
}

export function ack(node: string, seconds: number, correlation: string): LogRecord {
  return record('ack', seconds, node, { payload: { node_id: node, correlation_id: correlation } });
}

/** @param draining false: it asks to be found again */
export function drainRequest(node: string, seconds: number, correlation: string, draining = true): LogRecord {
  const payload = { command_id: commandOf(node, seconds), node_id: node, correlation_id: correlation, draining };
  return record('drainRequest', seconds, node, { payload });
}

function commandOf(node: string, seconds: number): string {
  return `request of ${node} at ${seconds}`;
}

/** What a drain request has led to, a second later. */
function drained(node: string, seconds: number, correlation: string, draining = true): LogRecord[] {
  const id = `asked for by ${node} at ${seconds}`;
  const payload = { causation_id: commandOf(node, seconds) };
  return [
    drainRequest(node, seconds, correlation, draining),
    event(draining ? 'NodeDraining' : 'NodeBecameActive', node, seconds + 1, { correlation, id, payload }),
  ];
}

export function beat(node: string, seconds: number): LogRecord {
  return record('heartbeat', seconds, node, { payload: { node_id: node } });
}

interface Event {
  readonly correlation: string;
  readonly attempt?: number;
  readonly round?: number;
  readonly rounds_left?: number;
  readonly id?: string;
  readonly payload?: object;
}

export function event(type: Topic, node: string, seconds: number, given: Event): LogRecord {
  const { correlation, attempt = 1, round, rounds_left, payload = {} } = given;
  return record(type, seconds, node, {
    event_type: type,
    envelope_id: given.id ?? `${type}/${node}/${attempt}/${round ?? ''}`,
    metadata: {
      tags: {
        attempt: String(attempt),
        ...(round === undefined ? {} : { ack_round: String(round) }),
        ...(rounds_left === undefined ? {} : { ack_rounds_left: String(rounds_left) }),
      },
    },
    payload: { node_id: node, correlation_id: correlation, ...payload },
  });
}

function accepted(node: string, seconds: number, correlation: string, attempt = 1, round = 1): LogRecord {
  const payload = { ack_deadline: iso(seconds + SETTINGS.ack_seconds) };
  return event('NodeRegistrationAccepted', node, seconds, { correlation, attempt, round, payload });
}

/** From the introspection to ACTIVE, in three seconds. */
function registered(node: string, seconds: number, correlation: string, attempt = 1): LogRecord[] {
  return [
    introspection(node, seconds, correlation),
    event('NodeRegistrationInitiated', node, seconds + 1, { correlation, attempt }),
    accepted(node, seconds + 2, correlation, attempt),
    ack(node, seconds + 2.5, correlation),
    event('NodeRegistrationAckReceived', node, seconds + 3, { correlation, attempt }),
    event('NodeBecameActive', node, seconds + 3, { correlation, attempt }),
  ];
}

function beats(node: string, from: number, to: number): LogRecord[] {
  return Array.from({ length: Math.floor((to - from) / 2) + 1 }, (_, index) => beat(node, from + 2 * index));
}

function confirmed(attempt: number, seconds: number): Snapshot['runs'][number]['confirmations'] {
  return ['consul.register', 'postgres.upsert_registration'].map((effect) => ({ effect, attempt, at: at(seconds) }));
}

function run(
  node: string,
  from: number,
  to: number | null,
  state: string,
  attempts: readonly number[],
): Snapshot['runs'][number] {
  return {
    workflow_id: `registration/${node}`,
    run_id: `run of ${node}`,
    node_id: node,
    state,
    status: to === null ? 'RUNNING' : 'COMPLETED',
    started_at: at(from),
    closed_at: to === null ? null : at(to),
    confirmations: attempts.flatMap((attempt, index) => confirmed(attempt, from + 1.5 + 20 * index)),
    failed_tasks: [],
  };
}

function row(
  node: string,
  correlation: string,
  state: string,
  attempt = 1,
  ended?: number,
  reason?: string,
): Snapshot['rows'][number] {
  return {
    node_id: node,
    state,
    attempt,
    reason: reason ?? null,
    ended_at: ended === undefined ? null : at(ended),
    correlation_id: correlation,
    node_version: '1.0.0',
    capabilities: ['storage'],
    endpoints: { health: 'http://10.0.0.1:8080/health' },
  };
}

function entry(node: string, correlation: string, attempt = 1): Snapshot['catalog'][number] {
  return {
    name: `onex-${node}`,
    node_id: node,
    attempt,
    status: 'passing',
    node_version: '1.0.0',
    correlation_id: correlation,
    address: '10.0.0.1',
    port: 8080,
    tags: ['node_type:effect', 'storage'],
  };
}

let sequence = 0;

export function write(
  node: string,
  seconds: number,
  attempt: number,
  state: string,
  ended = false,
): Snapshot['writes'][number] {
  const time = at(seconds);
  return { sequence: sequence++, at: time, node_id: node, attempt, state, ended_at: ended ? time : null };
}

/**
 * living: ACTIVE since 3, beats to 100. restarted: a second attempt at 20. dead: killed at 30, found at 45. left: at
 * 40. deaf: never acknowledges. refused: by an admission rule. drains: at 20, until 30, and from 40 on.
 */
export function goodLives(): Snapshot {
  const last = (node: string, seconds: number): number => (node === 'dead' ? 29 : seconds);
  return {
    settings: SETTINGS,
    taken_at: at(100),
    topics: Object.values(TOPICS),
    records: [
      ...registered('living', 0, 'l1'),
      introspection('living', 50, 'l1', 'capability_change'),
      ...beats('living', 4, last('living', 100)),
      ...registered('restarted', 0, 'r1'),
      ...registered('restarted', 20, 'r2', 2),
      ...beats('restarted', 4, 100),
      ...registered('dead', 0, 'd1'),
      ...beats('dead', 5, 29),
      event('NodeLivenessExpired', 'dead', 45, { correlation: 'd1', payload: { last_heartbeat_at: iso(29) } }),
      ...registered('left', 0, 'g1'),
      ...beats('left', 4, 38),
      introspection('left', 40, 'g1', 'shutdown'),
      event('NodeDeregistered', 'left', 41, { correlation: 'g1' }),
      ...registered('drains', 0, 'f1'),
      ...beats('drains', 4, 100),
      ...drained('drains', 20, 'f1'),
      ...drained('drains', 30, 'f1', false),
      ...drained('drains', 40, 'f1'),
      introspection('deaf', 0, 's1'),
      event('NodeRegistrationInitiated', 'deaf', 1, { correlation: 's1' }),
      accepted('deaf', 2, 's1'),
      event('NodeRegistrationAckTimedOut', 'deaf', 11, { correlation: 's1', round: 1, rounds_left: 1 }),
      accepted('deaf', 12, 's1', 1, 2),
      event('NodeRegistrationAckTimedOut', 'deaf', 21, { correlation: 's1', round: 2, rounds_left: 0 }),
      introspection('refused', 0, 'x1'),
      event('NodeRegistrationRejected', 'refused', 1, { correlation: 'x1' }),
    ],
    runs: [
      run('living', 0, null, 'ACTIVE', [1]),
      run('restarted', 0, null, 'ACTIVE', [1, 2]),
      run('drains', 0, null, 'DRAINING', [1]),
      run('dead', 0, 46, 'LIVENESS_EXPIRED', [1]),
      run('left', 0, 42, 'DEREGISTERED', [1]),
      run('deaf', 0, 22, 'ACK_TIMED_OUT', [1]),
      run('refused', 0, 2, 'REJECTED', []),
    ],
    catalog: [entry('living', 'l1'), entry('restarted', 'r2', 2), { ...entry('drains', 'f1'), status: 'critical' }],
    rows: [
      row('living', 'l1', 'ACTIVE'),
      row('restarted', 'r2', 'ACTIVE', 2),
      row('drains', 'f1', 'DRAINING', 1, undefined, 'the node asked for it'),
      row('dead', 'd1', 'LIVENESS_EXPIRED', 1, 46, 'no heartbeat'),
      row('left', 'g1', 'DEREGISTERED', 1, 42, 'the node left'),
      row('deaf', 's1', 'ACK_TIMED_OUT', 1, 22, 'no acknowledgement'),
      row('refused', 'x1', 'REJECTED', 1, 2, 'too old'),
    ],
    leases: ['living', 'restarted', 'drains'].map((node_id) => ({
      node_id,
      attempt: node_id === 'restarted' ? 2 : 1,
      deadline: at(110),
      expired_at: null,
    })),
    writes: [
      ...['living', 'restarted', 'drains', 'dead', 'left'].map((node) => write(node, 3, 1, 'ACTIVE')),
      write('restarted', 23, 2, 'ACTIVE'),
      write('drains', 41, 1, 'DRAINING'),
      write('dead', 46, 1, 'LIVENESS_EXPIRED', true),
      write('left', 42, 1, 'DEREGISTERED', true),
      write('deaf', 22, 1, 'ACK_TIMED_OUT', true),
      write('refused', 2, 1, 'REJECTED', true),
    ],
    load: [
      ...['living', 'restarted', 'drains', 'dead', 'left'].map((node_id) => ({
        at: at(0),
        node_id,
        did: 'lives' as const,
      })),
      { at: at(30), node_id: 'dead', did: 'dies' },
      { at: at(40), node_id: 'left', did: 'leaves' },
    ],
    standing: [
      { node_id: 'living', state: 'active' },
      { node_id: 'drains', state: 'draining' },
    ],
    disturbances: [{ what: 'nothing much', from: at(5), to: at(6) }],
    memory: [],
  };
}
