import { clock, firstAppearances, isEnd, type NodeFacts, type PublishedEvent } from '../facts.js';
import type { Snapshot } from '../snapshot.js';

const BACKENDS = ['consul.register', 'postgres.upsert_registration'];

/** A node is accepted only when Temporal knew that both backends had confirmed that attempt. */
export function acceptedAfterConfirmations({ events, runs }: NodeFacts): readonly string[] {
  const confirmations = runs.flatMap((run) => run.confirmations);
  return firstAppearances(events)
    .filter(({ type }) => type === 'NodeRegistrationAccepted')
    .flatMap((accepted) =>
      BACKENDS.filter(
        (backend) =>
          !confirmations.some(
            ({ effect, attempt, at }) => effect === backend && attempt === accepted.attempt && at <= accepted.at,
          ),
      ).map(
        (backend) => `attempt ${accepted.attempt} was accepted at ${clock(accepted.at)} before ${backend} was done`,
      ),
    );
}

/** A node is active only after an ack with its attempt's correlation_id, sent in one of its rounds. */
export function activeAfterAck(node: NodeFacts): readonly string[] {
  return firstAppearances(node.events)
    .filter(({ type }) => type === 'NodeBecameActive')
    .filter((active) => acksInTime(node, active).length === 0)
    .map(({ attempt, at }) => `attempt ${attempt} became active at ${clock(at)} without an ack in time before it`);
}

/** The acks that count for the attempt of an event, up to that event. */
export function acksInTime({ events, acks }: NodeFacts, of: PublishedEvent): NodeFacts['acks'] {
  const rounds = events.filter(({ type, attempt }) => type === 'NodeRegistrationAccepted' && attempt === of.attempt);
  return acks.filter(
    (ack) =>
      ack.correlation_id === of.correlation_id &&
      ack.at <= of.at &&
      rounds.some(({ at, payload }) => at <= ack.at && ack.at <= Date.parse(String(payload['ack_deadline']))),
  );
}

/** An attempt that has ended publishes nothing new, and its row stays as it ended. */
export function nothingAfterAnEnd({ node_id, events }: NodeFacts, { writes }: Snapshot): readonly string[] {
  const published = firstAppearances(events);
  const late = published
    .filter(isEnd)
    .flatMap((end) =>
      published
        .filter(({ attempt, at }) => attempt === end.attempt && at > end.at)
        .map(({ type, attempt, at }) => `${type} of attempt ${attempt} came at ${clock(at)}, after its ${end.type}`),
    );
  const written = writes.filter((write) => write.node_id === node_id);
  const revived = written.flatMap((end) =>
    end.ended_at === null
      ? []
      : written
          .filter(({ sequence, attempt }) => sequence > end.sequence && attempt === end.attempt)
          .filter(({ state, ended_at }) => state !== end.state || ended_at === null)
          .map(
            ({ state, attempt, at }) =>
              `attempt ${attempt} was written as ${state} at ${clock(at)}, after ${end.state}`,
          ),
  );
  return [...late, ...revived];
}
