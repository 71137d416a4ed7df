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

/**
 * A node is active only after an ack with its attempt's correlation_id, sent after it was accepted first and before its
 * last deadline. (One that was too late for a round may count for the next.)
 */
export function activeAfterAck(node: NodeFacts): readonly string[] {
  return firstAppearances(node.events)
    .filter(({ type }) => type === 'NodeBecameActive')
    .filter((active) => !acksOf(node, active).some((ack) => mayCount(ack.at, roundsOf(node, active))))
    .map(({ attempt, at }) => `attempt ${attempt} became active at ${clock(at)} without an ack in time before it`);
}

interface Round {
  readonly from: number;
  readonly to: number;
}

/** The times in which the attempt of an event could be acknowledged. */
export function roundsOf({ events }: NodeFacts, { attempt }: PublishedEvent): readonly Round[] {
  return events
    .filter((event) => event.type === 'NodeRegistrationAccepted' && event.attempt === attempt)
    .map(({ at, payload }) => ({ from: at, to: Date.parse(String(payload['ack_deadline'])) }));
}

/** The acks of the attempt of an event, up to that event. */
export function acksOf({ acks }: NodeFacts, { correlation_id, at }: PublishedEvent): NodeFacts['acks'] {
  return acks.filter((ack) => ack.correlation_id === correlation_id && ack.at <= at);
}

function mayCount(ack: number, rounds: readonly Round[]): boolean {
  return rounds.some(({ from }) => from <= ack) && rounds.some(({ to }) => ack <= to);
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
