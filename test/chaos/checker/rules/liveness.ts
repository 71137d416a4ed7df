import { clock, firstAppearances, livesOf, type NodeFacts, type PublishedEvent } from '../facts.js';
import type { Snapshot } from '../snapshot.js';

/**
 * Nobody expires who was there: the log holds no heartbeat within lease duration and grace of the last one that
 * counted, and the node really was not there all that time, whether or not its heartbeats could be stored.
 */
export function nobodyExpiresFalsely(node: NodeFacts, snapshot: Snapshot): readonly string[] {
  return firstAppearances(node.events)
    .filter(({ type }) => type === 'NodeLivenessExpired')
    .flatMap((expired) => [...byTheLog(node, expired, snapshot), ...byTheLoad(node, expired, snapshot)]);
}

function byTheLog({ events, beats }: NodeFacts, expired: PublishedEvent, { settings }: Snapshot): readonly string[] {
  const { attempt, at } = expired;
  const counted = expired.payload['last_heartbeat_at'];
  const active = events.find((event) => event.type === 'NodeBecameActive' && event.attempt === attempt);
  const seconds = typeof counted === 'string' ? settings.window_seconds : settings.first_deadline_seconds;
  const from = typeof counted === 'string' ? Date.parse(counted) : active?.at;
  if (from === undefined) return [`attempt ${attempt} expired at ${clock(at)} without having been active`];
  const until = from + (seconds + settings.grace_seconds) * 1_000;
  const since = typeof counted === 'string' ? `its heartbeat of ${clock(from)}` : `it became active at ${clock(from)}`;
  const within = beats.filter((beat) => beat > from && beat <= until);
  return [
    ...(at < until ? [`attempt ${attempt} expired at ${clock(at)}, too soon after ${since}`] : []),
    ...(within[0] === undefined
      ? []
      : [`attempt ${attempt} expired, and after ${since} it beat at ${clock(within[0])}`]),
  ];
}

/** Where the broker takes none, an event comes late: what counts then is whether the node had been away long enough. */
function byTheLoad({ deeds }: NodeFacts, expired: PublishedEvent, { settings }: Snapshot): readonly string[] {
  const { attempt, at, payload } = expired;
  const silent = (settings.window_seconds + settings.grace_seconds) * 1_000;
  const lives = livesOf(deeds);
  const life = lives.find(({ from, to }) => from <= at - silent && at <= to);
  if (life === undefined) return [];
  const before = lives.findLast(({ to }) => to < life.from);
  const { last_heartbeat_at: counted } = payload;
  const wasSilent = typeof counted !== 'string' || Date.parse(counted) < life.from;
  if (before !== undefined && life.from - before.to >= silent && wasSilent) return [];
  return [`attempt ${attempt} expired at ${clock(at)}, and the node has lived since ${clock(life.from)}`];
}

/** Who died is found within lease, grace and a little, counted from the last disturbance if one came. */
export function deadAreFound({ node_id, deeds, row, events }: NodeFacts, snapshot: Snapshot): readonly string[] {
  const death = deeds.at(-1);
  if (death?.did !== 'dies' || row === undefined) return [];
  const due = dueOf(death.at, snapshot);
  if (snapshot.taken_at < due) return [];
  if (row.ended_at === null) return [`died at ${clock(death.at)}, was due at ${clock(due)}, and is ${row.state}`];
  if (row.state !== 'LIVENESS_EXPIRED') return [];
  const found = events.find((event) => event.type === 'NodeLivenessExpired' && event.attempt === row.attempt);
  if (found === undefined || found.at <= due) return [];
  return [`${node_id} died at ${clock(death.at)}, was due at ${clock(due)}, and was found at ${clock(found.at)}`];
}

/** A disturbance stops the clock: after it the stream is believed again only after lease duration and grace. */
function dueOf(died: number, { settings, disturbances }: Snapshot): number {
  const { first_deadline_seconds, window_seconds, grace_seconds, found_within_seconds } = settings;
  const lease = (Math.max(first_deadline_seconds, window_seconds) + grace_seconds) * 1_000;
  const found = found_within_seconds * 1_000;
  let due = died + lease + found;
  for (const { from, to } of [...disturbances].sort((a, b) => a.from - b.from))
    if (to >= died && from <= due) due = Math.max(due, to + lease + found);
  return due;
}
