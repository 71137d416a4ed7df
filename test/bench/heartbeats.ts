import { setTimeout as delay } from 'node:timers/promises';
import { groupId, bridgeTopics } from '../../src/bridge/bridge-topics.js';
import { startChild } from '../../src/cli/processes/children.js';
import { createProducer, openCluster } from '../../src/kafka/index.js';
import { buildIntrospection } from '../../src/protocol/introspection.js';
import { startProcess } from './support/child-process.js';
import { cpuSeconds } from './support/processes.js';
import { newNode } from './support/registrations.js';
import { countRequests, type RequestCounter } from './support/request-counter.js';
import type { Outcome, Scenario } from './support/scenario.js';
import { withServers, type Servers } from './support/servers.js';
import { median } from './support/statistics.js';

const NODES = 10_000;
const HEARTBEATS = 300_000;
const ROUNDS = 3;
const WITHIN_MS = 120_000;

interface Round {
  readonly perSecond: number;
  readonly barePerSecond: number;
  readonly cpuMicroseconds: number;
  readonly requests: number;
}

/**
 * A bridge process against a kafkajs consumer that does nothing, on the same
 * topic: heartbeats as existing nodes send them, without keys, of nodes that
 * all have an open lease. Each reads the whole topic from its beginning.
 */
export const run: Scenario = (log) =>
  withServers(async (servers) => {
    const { topic } = await prepare(servers, log);
    const counter = await countRequests(servers.config.temporal.address);
    const rounds: Round[] = [];
    try {
      for (let round = 1; round <= ROUNDS; round += 1) {
        const barePerSecond = await bareConsumer(topic);
        const bridge = await bridgeRound(servers, counter, topic);
        rounds.push({ barePerSecond, ...bridge });
        log(
          `round ${round} of ${ROUNDS}: ${Math.round(bridge.perSecond)} heartbeats/s, bare consumer ` +
            `${Math.round(barePerSecond)}/s`,
        );
      }
    } finally {
      await counter.close();
    }
    return outcome(rounds);
  });

/** Leases, and the heartbeats that will renew them. */
async function prepare(
  { config, contracts, pool, kafka }: Servers,
  log: (text: string) => void,
): Promise<{ readonly topic: string }> {
  const [topic] = bridgeTopics(contracts, config).heartbeats;
  const nodes = Array.from({ length: NODES }, () => newNode().node_id);
  await pool.query(
    'insert into node_leases (node_id, attempt, deadline, window_seconds) select node_id, 1, now(), 90 from ' +
      'unnest($1::text[]) as node_id',
    [nodes],
  );
  log(`producing ${HEARTBEATS} heartbeats of ${NODES} nodes`);
  const producer = createProducer(kafka);
  const atOnce = 5_000;
  for (let sent = 0; sent < HEARTBEATS; sent += atOnce) {
    await producer.send(
      Array.from({ length: atOnce }, (_, index) => ({
        topic,
        key: null,
        value: heartbeat(nodes[(sent + index) % NODES] ?? '', sent + index),
        headers: {},
      })),
    );
  }
  await producer.close();
  return { topic };
}

/** As existing nodes send it, 330 bytes. */
function heartbeat(node_id: string, index: number): Buffer {
  const node_version = { major: 1, minor: 0, patch: 0, prerelease: null, build: null };
  const measures = {
    uptime_seconds: 1000 + index / 7,
    active_operations_count: index % 40,
    memory_usage_mb: 123.5,
    cpu_usage_percent: null,
  };
  return Buffer.from(
    JSON.stringify({
      node_id,
      node_type: 'effect',
      node_version,
      ...measures,
      correlation_id: null,
      timestamp: new Date().toISOString().replace('Z', '000Z'),
    }),
  );
}

async function bareConsumer(topic: string): Promise<number> {
  const consumer = startProcess('consumer-process.ts', [topic, String(HEARTBEATS)]);
  try {
    const { perSecond } = (await consumer.next()) as { readonly perSecond: number };
    return perSecond;
  } finally {
    await consumer.stop();
  }
}

/** A bridge that has never read anything, until it has stored all heartbeats. */
async function bridgeRound(
  servers: Servers,
  counter: RequestCounter,
  topic: string,
): Promise<Omit<Round, 'barePerSecond'>> {
  process.env.TEMPORAL_ADDRESS = counter.address;
  const bridge = startChild('bridge', 'inherit');
  const look = async () => ({
    at: performance.now(),
    stored: await stored(servers, topic),
    cpu: cpuSeconds(bridge.pid),
    requests: counter.requests(),
  });
  type Look = Awaited<ReturnType<typeof look>>;
  const lookUntil = (what: string, enough: (seen: Look) => boolean): Promise<Look> =>
    eventually(what, async () => [await look()].find(enough));
  try {
    bridge.go();
    // Timed from the first heartbeats stored on: starting and joining the groups is no part of it.
    const first = await lookUntil('the first heartbeats are stored', (seen) => seen.stored > 0);
    const last = await lookUntil('all heartbeats are stored', (seen) => seen.stored === HEARTBEATS);
    await everyLeaseRenewed(servers);
    await requestsAreCounted(servers, counter);
    const heartbeats = last.stored - first.stored;
    return {
      perSecond: (heartbeats * 1000) / (last.at - first.at),
      cpuMicroseconds: ((last.cpu - first.cpu) * 1e6) / heartbeats,
      requests: last.requests - first.requests,
    };
  } finally {
    await bridge.stop();
    await forget(servers, topic);
  }
}

async function stored({ pool }: Servers, topic: string): Promise<number> {
  const { rows } = await pool.query<{ stored: number }>(
    'select coalesce(sum(next_offset), 0)::int as stored from stream_watermarks where topic = $1',
    [topic],
  );
  return rows[0]?.stored ?? 0;
}

async function everyLeaseRenewed({ pool }: Servers): Promise<void> {
  const { rows } = await pool.query<{ renewed: number }>(
    'select count(*)::int as renewed from node_leases where last_heartbeat_at is not null',
  );
  if (rows[0]?.renewed !== NODES)
    throw new Error(`${rows[0]?.renewed} of ${NODES} leases were renewed by their heartbeats`);
}

/** A counter that counts nothing would prove nothing: an introspection is a request. */
async function requestsAreCounted({ config, contracts, kafka }: Servers, counter: RequestCounter): Promise<void> {
  const before = counter.requests();
  const producer = createProducer(kafka);
  await producer.send([
    { topic: bridgeTopics(contracts, config).introspections[0], ...buildIntrospection(newNode(), new Date()) },
  ]);
  await producer.close();
  await eventually('an introspection is counted as a request to Temporal', () =>
    Promise.resolve(counter.requests() > before || undefined),
  );
}

/** The next bridge begins as the first one did. */
async function forget({ config, pool, kafka }: Servers, topic: string): Promise<void> {
  await pool.query('delete from stream_watermarks where topic = $1', [topic]);
  await pool.query('update node_leases set last_heartbeat_at = null');
  const cluster = await openCluster(kafka);
  await cluster.deleteGroup(groupId('heartbeats', config));
  await cluster.close();
}

async function eventually<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  const end = performance.now() + WITHIN_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > end) throw new Error(`not within ${WITHIN_MS / 1000} s: ${what}`);
    await delay(20);
  }
}

function outcome(rounds: readonly Round[]): Outcome {
  const perSecond = median(rounds.map((round) => round.perSecond));
  const bare = median(rounds.map((round) => round.barePerSecond));
  const ratio = median(rounds.map((round) => round.perSecond / round.barePerSecond));
  const requests = rounds.reduce((sum, round) => sum + round.requests, 0);
  return {
    json: { per_second: Math.round(perSecond), ratio: Number(ratio.toFixed(3)), temporal_requests: requests },
    counts:
      `${HEARTBEATS.toLocaleString('en')} heartbeats of 330 bytes on 6 partitions, of ` +
      `${NODES.toLocaleString('en')} nodes with open leases, read ${ROUNDS} times by each, in turn`,
    figures: [
      {
        name: 'heartbeats per second of one bridge',
        value: perSecond,
        unit: '/s',
        baseline: `${Math.round(bare).toLocaleString('en')} /s, kafkajs consumer that does nothing`,
        ratio,
        goal: { goal: 60_000, limit: 20_000, better: 'higher' },
      },
      {
        name: 'Temporal requests of the bridge meanwhile',
        value: requests,
        unit: '',
        baseline: `${ROUNDS * HEARTBEATS} heartbeats`,
        ratio: requests / (ROUNDS * HEARTBEATS),
        goal: { goal: 0, limit: 0, better: 'lower' },
      },
      {
        name: 'processor time of the bridge for one',
        value: median(rounds.map((round) => round.cpuMicroseconds)),
        unit: 'µs',
        baseline: `${(1e6 / bare).toFixed(1)} µs, time of the bare consumer`,
        ratio: (median(rounds.map((round) => round.cpuMicroseconds)) * bare) / 1e6,
      },
    ],
  };
}
