import { clock, isEnd, type NodeFacts, type PublishedEvent } from '../facts.js';
import type { RowWrite, Snapshot } from '../snapshot.js';

const BECAME_ACTIVE = [
  'NodeRegistrationInitiated',
  'NodeRegistrationAccepted',
  'NodeRegistrationAckReceived',
  'NodeBecameActive',
];

/**
 * What the registry shows was published: the whole way of the newest attempt, and each end that any attempt has
 * reached. (An older attempt that was superseded on its way has no whole way.)
 */
export function eachEventPublished(node: NodeFacts, snapshot: Snapshot): readonly string[] {
  const { row } = node;
  if (row === undefined) return [];
  const ended = snapshot.writes.filter(({ node_id, ended_at }) => node_id === node.node_id && ended_at !== null);
  const wanted = [
    ...wayTo(row.state).map((type) => ({ attempt: row.attempt, type })),
    ...ended.flatMap(({ attempt, state }) => endOf({ state }, snapshot).map((type) => ({ attempt, type }))),
  ];
  const has = ({ attempt, type }: { readonly attempt: number; readonly type: string }): boolean =>
    node.events.some((event) => event.attempt === attempt && event.type === type);
  const missing = wanted.filter((one) => !has(one)).map(({ attempt, type }) => `${type} of attempt ${attempt}`);
  return [
    ...[...new Set(missing)].map((what) => `${what} was never published`),
    ...(row.state === 'ACK_TIMED_OUT' ? roundsMissing(node.events, row.attempt, snapshot.settings.ack_rounds) : []),
  ];
}

function wayTo(state: string): readonly string[] {
  if (state === 'DRAINING') return [...BECAME_ACTIVE, 'NodeDraining'];
  if (state === 'ACTIVE' || state === 'LIVENESS_EXPIRED') return BECAME_ACTIVE;
  return state === 'ACK_TIMED_OUT' ? BECAME_ACTIVE.slice(0, 2) : [];
}

/** A contract of before has no event for leaving. */
function endOf({ state }: Pick<RowWrite, 'state'>, { topics }: Snapshot): readonly string[] {
  const saysGoodbye = topics.some((topic) => topic.startsWith('onex.evt.node-deregistered.'));
  const ends: Readonly<Record<string, string>> = {
    REJECTED: 'NodeRegistrationRejected',
    ACK_TIMED_OUT: 'NodeRegistrationAckTimedOut',
    LIVENESS_EXPIRED: 'NodeLivenessExpired',
    ...(saysGoodbye ? { DEREGISTERED: 'NodeDeregistered' } : {}),
  };
  return ends[state] === undefined ? [] : [ends[state]];
}

function roundsMissing(events: readonly PublishedEvent[], attempt: number, rounds: number): readonly string[] {
  const has = (type: string, round: number): boolean =>
    events.some((event) => event.attempt === attempt && event.type === type && event.round === round);
  return Array.from({ length: rounds }, (_, index) => index + 1).flatMap((round) =>
    ['NodeRegistrationAccepted', 'NodeRegistrationAckTimedOut']
      .filter((type) => !has(type, round))
      .map((type) => `${type} of attempt ${attempt}, round ${round} of ${rounds}, was never published`),
  );
}

/**
 * An id stands for one event, and an event has one id, however often it was sent. A node may drain and be found again
 * any number of times: each of its requests leads to an event of its own.
 */
export function repeatsKeepTheirId({ events, drains }: NodeFacts): readonly string[] {
  const what = ({ type, attempt, round, correlation_id, payload }: PublishedEvent): string => {
    const request = drains.find(({ id }) => id === payload['causation_id']);
    return (
      `${type} of attempt ${attempt}${round === 0 ? '' : `, round ${round}`} (${correlation_id})` +
      (request === undefined ? '' : `, asked for at ${clock(request.at)}`)
    );
  };
  const ids = grouped(events, what, ({ id }) => id);
  const meanings = grouped(events, ({ id }) => id, what);
  const ends = grouped(
    events.filter(isEnd),
    ({ attempt }) => String(attempt),
    ({ type }) => type,
  );
  return [
    ...several(ids).map(([event, all]) => `${event} has ${all.length} ids: ${all.join(', ')}`),
    ...several(meanings).map(([id, all]) => `id ${id} stands for ${all.join(' and ')}`),
    ...several(ends).map(([attempt, all]) => `attempt ${attempt} has ${all.length} ends: ${all.join(', ')}`),
  ];
}

function grouped<T>(all: readonly T[], by: (one: T) => string, of: (one: T) => string): Map<string, Set<string>> {
  const groups = new Map<string, Set<string>>();
  for (const one of all) groups.set(by(one), (groups.get(by(one)) ?? new Set()).add(of(one)));
  return groups;
}

function several(groups: Map<string, Set<string>>): [string, string[]][] {
  return [...groups].filter(([, values]) => values.size > 1).map(([key, values]) => [key, [...values]]);
}
