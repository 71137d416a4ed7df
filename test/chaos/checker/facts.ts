import type { Deed, LogRecord, RegistryRow, Run, Snapshot } from './snapshot.js';

/** What a snapshot says about each node, read out of its records. No rule reads JSON itself. */
export interface NodeFacts {
  readonly node_id: string;
  /** As the log has them, oldest first. */
  readonly introspections: readonly Introspection[];
  readonly acks: readonly { readonly at: number; readonly correlation_id: string }[];
  /** By which it asked to be drained, or to be found again; oldest first. */
  readonly drains: readonly DrainRequest[];
  /** Times of heartbeats, oldest first. */
  readonly beats: readonly number[];
  /** What the registrar published about it, oldest first. */
  readonly events: readonly PublishedEvent[];
  readonly row: RegistryRow | undefined;
  readonly runs: readonly Run[];
  readonly deeds: readonly Deed[];
}

interface DrainRequest {
  readonly at: number;
  readonly id: string;
  readonly correlation_id: string;
  readonly draining: boolean;
}

interface Introspection {
  readonly at: number;
  readonly reason: string;
  readonly correlation_id: string;
  readonly node_version: string;
}

export interface PublishedEvent {
  readonly type: string;
  readonly id: string;
  readonly at: number;
  readonly correlation_id: string;
  readonly attempt: number;
  /** 0 where the event has no ack round. */
  readonly round: number;
  /** null where the event does not say it. */
  readonly rounds_left: number | null;
  readonly payload: Readonly<Record<string, unknown>>;
}

/** Of what kind a topic is, by its name; request-introspection is no part of a life. */
const PUBLISHED =
  /^onex\.evt\.node-(registration-(initiated|accepted|rejected|ack-received|ack-timed-out)|became-active|draining|liveness-expired|deregistered)\./;
const INTROSPECTIONS = /^onex\.evt\.node-introspection\./;
const ACKS = /^onex\.cmd\.node-registration-acked\./;
const DRAIN_REQUESTS = /^onex\.cmd\.node-drain-requested\./;
const HEARTBEATS = /^onex\.evt\.node-heartbeat\./;
export const DEAD_LETTERS = /^onex\.evt\.node-registration-dead-letter\./;

type Json = Readonly<Record<string, unknown>>;

/** Every node that any server or the load knows. */
export function factsOf(snapshot: Snapshot): readonly NodeFacts[] {
  const nodes = new Map<string, Collected>();
  const of = (node_id: string): Collected => {
    const known = nodes.get(node_id) ?? { introspections: [], acks: [], drains: [], beats: [], events: [] };
    nodes.set(node_id, known);
    return known;
  };
  for (const record of inOrder(snapshot.records)) collect(record, of);
  for (const { node_id } of [...snapshot.rows, ...snapshot.load]) of(node_id);
  for (const run of snapshot.runs) of(nodeOf(run));
  return [...nodes].map(([node_id, collected]) => ({
    node_id,
    ...collected,
    row: snapshot.rows.find((row) => row.node_id === node_id),
    runs: snapshot.runs.filter((run) => nodeOf(run) === node_id),
    deeds: snapshot.load.filter((deed) => deed.node_id === node_id).sort((a, b) => a.at - b.at),
  }));
}

interface Collected {
  readonly introspections: Introspection[];
  readonly acks: { at: number; correlation_id: string }[];
  readonly drains: DrainRequest[];
  readonly beats: number[];
  readonly events: PublishedEvent[];
}

function nodeOf({ workflow_id }: Run): string {
  return workflow_id.replace(/^registration\//, '');
}

/** By time; records of one partition by their offsets. */
function inOrder(records: readonly LogRecord[]): readonly LogRecord[] {
  const samePartition = (a: LogRecord, b: LogRecord): boolean => a.topic === b.topic && a.partition === b.partition;
  return [...records].sort((a, b) => a.at - b.at || (samePartition(a, b) ? a.offset - b.offset : 0));
}

function collect(record: LogRecord, of: (node_id: string) => Collected): void {
  const { topic, at, value } = record;
  // A marker that the bridge sends through an idle partition has no value.
  if (value === null || DEAD_LETTERS.test(topic)) return;
  if (![PUBLISHED, INTROSPECTIONS, ACKS, DRAIN_REQUESTS, HEARTBEATS].some((kind) => kind.test(topic))) return;
  const envelope = JSON.parse(value) as Json;
  const payload = (envelope['payload'] ?? envelope) as Json;
  const node = of(text(payload['node_id']));
  const correlation_id = text(payload['correlation_id'] ?? envelope['correlation_id']);
  if (HEARTBEATS.test(topic)) node.beats.push(at);
  else if (ACKS.test(topic)) node.acks.push({ at, correlation_id });
  else if (DRAIN_REQUESTS.test(topic)) {
    const draining = payload['draining'] === true;
    node.drains.push({ at, id: text(payload['command_id']), correlation_id, draining });
  } else if (INTROSPECTIONS.test(topic)) {
    const reason = text(payload['reason'] ?? 'startup').toLowerCase();
    node.introspections.push({ at, reason, correlation_id, node_version: versionOf(payload['node_version']) });
  } else node.events.push(eventOf(record, envelope, payload, correlation_id));
}

function eventOf({ at }: LogRecord, envelope: Json, payload: Json, correlation_id: string): PublishedEvent {
  const tags = ((envelope['metadata'] as Json | undefined)?.['tags'] ?? {}) as Readonly<Record<string, string>>;
  const left = tags['ack_rounds_left'];
  return {
    type: text(envelope['event_type']),
    id: text(envelope['envelope_id']),
    at,
    correlation_id,
    attempt: Number(tags['attempt'] ?? Number.NaN),
    round: Number(tags['ack_round'] ?? 0),
    rounds_left: left === undefined ? null : Number(left),
    payload,
  };
}

function versionOf(version: unknown): string {
  if (typeof version !== 'object' || version === null) return text(version);
  const { major, minor, patch } = version as Json;
  return [major, minor, patch].map(text).join('.');
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null);
}

/** Repeats are left out: each event as it was seen first. */
export function firstAppearances(events: readonly PublishedEvent[]): readonly PublishedEvent[] {
  const seen = new Set<string>();
  return events.filter(({ id }) => !seen.has(id) && seen.add(id));
}

/** Times between which the node was there and beat; open at the end where it still does. */
export function livesOf(deeds: readonly Deed[]): readonly { readonly from: number; readonly to: number }[] {
  const lives: { from: number; to: number }[] = [];
  let from: number | null = null;
  for (const { at, did } of deeds) {
    if (did === 'lives') from ??= at;
    else if (from !== null) {
      lives.push({ from, to: at });
      from = null;
    }
  }
  return from === null ? lives : [...lives, { from, to: Infinity }];
}

/** States in which a node lives by its lease, and what its check in Consul then says: others find who is passing. */
export const LIVING: Readonly<Record<string, string>> = { ACTIVE: 'passing', DRAINING: 'critical' };

/** An end, as an event: which one an attempt has ended with. */
export function isEnd({ type, rounds_left }: PublishedEvent): boolean {
  return (
    ['NodeRegistrationRejected', 'NodeLivenessExpired', 'NodeDeregistered'].includes(type) ||
    (type === 'NodeRegistrationAckTimedOut' && rounds_left === 0)
  );
}

/** A time as people read it. */
export function clock(at: number | null): string {
  return at === null || !Number.isFinite(at) ? 'never' : new Date(at).toISOString().slice(11, 23);
}
