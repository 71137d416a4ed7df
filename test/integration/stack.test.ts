import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Client, Connection } from '@temporalio/client';
import Consul from 'consul';
import { Kafka, logLevel } from 'kafkajs';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/index.js';
import { acceptsConnections } from '../../src/stack/health.js';
import {
  askOwner,
  createSearchAttributes,
  createTopics,
  startStack,
  wipe,
  type Addresses,
  type RunningStack,
} from '../../src/stack/index.js';
import { choosePorts } from '../../src/stack/ports.js';
import { isAlive } from '../../src/stack/state/processes.js';
import { readState } from '../../src/stack/state/state.js';
import { splitHostPort } from '../../src/stack/state/servers.js';
import { logger } from '../../src/telemetry.js';

const root = mkdtempSync(join(tmpdir(), 'stack-test-'));
const dataDir = join(root, 'data');
/** Whoever runs the tests with servers of their own still wants these to be ours. */
const env = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(TEMPORAL_|KAFKA_|CONSUL_|DATABASE_URL|PG)/.test(name)),
);

const topic = 'stack-test.v1';
const said: string[] = [];

function start(): Promise<RunningStack> {
  return startStack({
    dataDir,
    env,
    logger: logger('stack-test'),
    onProgress: (event) => {
      if (event.kind === 'progress') return;
      said.push(`${event.about}: ${event.text}`);
    },
  });
}

async function withTemporal<T>(address: string, work: (client: Client) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address });
  try {
    return await work(new Client({ connection }));
  } finally {
    await connection.close();
  }
}

async function withPostgres<T>(connectionString: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

const kafka = (brokers: readonly string[]) =>
  new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING, retry: { retries: 2 } });

async function withAdmin<T>(
  brokers: readonly string[],
  work: (admin: ReturnType<Kafka['admin']>) => Promise<T>,
): Promise<T> {
  const admin = kafka(brokers).admin();
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}

function consul(url: string): Consul {
  const { hostname, port } = new URL(url);
  return new Consul({ host: hostname, port: Number(port) });
}

/** Leaves one thing in each server. */
async function leaveTraces(addresses: Addresses): Promise<void> {
  await withTemporal(addresses.temporal, (client) =>
    client.workflow.start('never-run', { taskQueue: 'nobody', workflowId: 'trace' }),
  );
  const producer = kafka(addresses.kafka).producer();
  await producer.connect();
  await producer.send({ topic, messages: [{ value: 'trace' }] });
  await producer.disconnect();
  await consul(addresses.consul).kv.set('trace', 'here');
  await withPostgres(addresses.postgres, (client) => client.query("CREATE TABLE trace AS SELECT 'here' AS word"));
}

/** What is still there of it. */
async function readTraces(addresses: Addresses): Promise<object> {
  const workflow = await withTemporal(
    addresses.temporal,
    async (client) => (await client.workflow.getHandle('trace').describe()).status.name,
  );
  const offsets = await withAdmin(addresses.kafka, (admin) => admin.fetchTopicOffsets(topic));
  const value = await consul(addresses.consul).kv.get('trace');
  const { rows } = await withPostgres(addresses.postgres, (client) =>
    client.query<{ word: string }>('SELECT word FROM trace'),
  );
  return { workflow, messages: Number(offsets[0]?.offset), consul: value?.Value, postgres: rows[0]?.word };
}

const ALL_TRACES = { workflow: 'RUNNING', messages: 1, consul: 'here', postgres: 'here' };

/** Which of the servers still accept connections. */
async function listening(addresses: Addresses): Promise<string[]> {
  const targets = {
    temporal: splitHostPort(addresses.temporal),
    kafka: splitHostPort(addresses.kafka[0] ?? ''),
    consul: splitHostPort(new URL(addresses.consul).host),
    postgres: splitHostPort(new URL(addresses.postgres).host),
  };
  const found = await Promise.all(
    Object.entries(targets).map(([name, { host, port }]) =>
      acceptsConnections(host, port).then(
        () => [name],
        () => [],
      ),
    ),
  );
  return found.flat();
}

let stack: RunningStack;
let owner: ChildProcess | undefined;

/** A start that fails after 15 s, for which nothing else need wait. */
let nowhere: Promise<unknown>;

beforeAll(async () => {
  nowhere = startNowhere();
  nowhere.catch(() => undefined);
  stack = await start();
});

afterAll(async () => {
  owner?.kill('SIGKILL');
  await stack.stop();
  rmSync(root, { recursive: true, force: true });
});

describe('the four servers', () => {
  it('keep what is written to them, and each one answers its own client', async () => {
    expect(await createTopics({ brokers: stack.addresses.kafka }, [topic], { partitions: 1 })).toEqual({
      created: [topic],
      otherTimestampType: [],
    });
    await leaveTraces(stack.addresses);
    expect(await readTraces(stack.addresses)).toEqual(ALL_TRACES);
  });

  it('are found by a process that knows nothing but the data directory', () => {
    const config = loadConfig({ REGISTRAR_DATA_DIR: dataDir });
    expect(config.temporal.address).toBe(stack.addresses.temporal);
    expect(config.kafka.brokers).toEqual(stack.addresses.kafka);
    expect(config.consul.address).toBe(stack.addresses.consul);
    expect(config.postgres.connectionString).toBe(stack.addresses.postgres);
  });

  it('are given to a child process by its environment', () => {
    const config = loadConfig({ ...stack.environment(), REGISTRAR_DATA_DIR: root });
    expect(config.fromEnvironment).toEqual({ temporal: true, kafka: true, consul: true, postgres: true });
    expect(config.temporal.address).toBe(stack.addresses.temporal);
    expect(config.postgres.connectionString).toBe(stack.addresses.postgres);
  });

  it("Temporal's and Consul's web UIs answer", async () => {
    const pages = await Promise.all(
      [stack.addresses.temporalUi ?? '', `${stack.addresses.consul}/ui/`].map(async (url) => (await fetch(url)).text()),
    );
    expect(pages[0]).toContain('<html');
    expect(pages[1]).toContain('<title>Consul');
  });

  it('PostgreSQL listens on this machine only and does not run as root', async () => {
    await withPostgres(stack.addresses.postgres, async (client) => {
      const { rows } = await client.query<{ listen_addresses: string }>('SHOW listen_addresses');
      expect(rows[0]?.listen_addresses).toBe('127.0.0.1');
    });
    const pid = readFileSync(join(dataDir, 'postgres', 'data', 'postmaster.pid'), 'utf8').split('\n')[0];
    expect(/^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]).not.toBe('0');
  });
});

describe('what is prepared in them', () => {
  it('search attributes can be filtered by, and are created once', async () => {
    await createSearchAttributes(stack.addresses.temporal, 'default');
    await createSearchAttributes(stack.addresses.temporal, 'default');
    await withTemporal(stack.addresses.temporal, async (client) => {
      await client.workflow.start('never-run', {
        taskQueue: 'nobody',
        workflowId: 'found',
        searchAttributes: { NodeId: ['n-1'] },
      });
      await expect.poll(async () => (await client.workflow.count("NodeId = 'n-1'")).count, { timeout: 10_000 }).toBe(1);
    });
  });

  it("topics carry the broker's time, are created once, and none comes into being by itself", async () => {
    const { kafka: brokers } = stack.addresses;
    expect(await createTopics({ brokers }, [topic, 'second.v1'], { partitions: 3 })).toEqual({
      created: ['second.v1'],
      otherTimestampType: [],
    });
    const producer = kafka(brokers).producer();
    await producer.connect();
    await producer.send({ topic: 'second.v1', messages: [{ value: 'x', timestamp: '1000', partition: 2 }] });
    await producer.disconnect();
    await withAdmin(brokers, async (admin) => {
      expect((await admin.fetchTopicOffsets('second.v1')).length).toBe(3);
      const [since] = (await admin.fetchTopicOffsetsByTimestamp('second.v1', Date.now() - 60_000)).filter(
        ({ partition }) => partition === 2,
      );
      // By the sender's time, 1970, there would be none and the answer would be the end, 1.
      expect(since?.offset).toBe('0');
      expect(await admin.listTopics()).not.toContain('never.created');
      await expect(admin.fetchTopicOffsets('never.created')).rejects.toThrow();
    });
  });

  it('a topic of somebody else with the senders’ time is warned about', async () => {
    const warnings: string[] = [];
    await withAdmin(stack.addresses.kafka, (admin) =>
      admin.createTopics({ topics: [{ topic: 'theirs.v1' }], waitForLeaders: true }),
    );
    const result = await createTopics({ brokers: stack.addresses.kafka }, ['theirs.v1'], {
      partitions: 1,
      warn: (message) => warnings.push(message),
    });
    expect(result).toEqual({ created: [], otherTimestampType: ['theirs.v1'] });
    expect(warnings).toEqual([expect.stringContaining('theirs.v1')]);
  });
});

describe('from another terminal', () => {
  it('one server is stopped and started again, at the same address and with what it knew', async () => {
    const exits: string[] = [];
    const end = stack.onServerExit(({ server }) => exits.push(server));
    const url = stack.addresses.consul;

    const stopped = await askOwner(dataDir, { action: 'stop', server: 'consul' });
    expect(stopped.pid).toBe(process.pid);
    expect(stopped.servers.consul).toEqual({ state: 'stopped', address: url });
    expect(stopped.servers.kafka.state).toBe('running');
    expect(await listening(stack.addresses)).toEqual(['temporal', 'kafka', 'postgres']);

    const started = await askOwner(dataDir, { action: 'start', server: 'consul' });
    expect(started.servers.consul).toEqual({ state: 'running', address: url });
    expect(await readTraces(stack.addresses)).toEqual(ALL_TRACES);
    expect(exits).toEqual([]);
    end();
  });

  it('a second stack on the same data is refused, and the error names who holds it', async () => {
    await expect(start()).rejects.toThrow(`process ${process.pid}`);
    expect(await listening(stack.addresses)).toHaveLength(4);
  });

  it('the data cannot be wiped under a running stack', async () => {
    await expect(wipe(dataDir)).rejects.toThrow('is in use');
  });
});

describe('a server that dies', () => {
  it('is reported, not restarted in silence, and can be started again with what it knew', async () => {
    const exits: string[] = [];
    const end = stack.onServerExit(({ summary }) => exits.push(summary));
    const pid = Number(readFileSync(join(dataDir, 'postgres', 'data', 'postmaster.pid'), 'utf8').split('\n')[0]);
    process.kill(pid, 'SIGKILL');
    await expect
      .poll(() => exits, { timeout: 10_000 })
      .toEqual(['PostgreSQL was killed by signal 9 without being asked to.']);
    end();
    const { servers } = await askOwner(dataDir, { action: 'status' });
    expect(servers.postgres.state).toBe('exited');
    await stack.startServer('postgres');
    expect(await readTraces(stack.addresses)).toEqual(ALL_TRACES);
  });
});

describe('an owner', () => {
  it('that stops leaves no server; the next goes on with the same data at the same addresses', async () => {
    const before = stack.addresses;
    await stack.stop();
    expect(await listening(before)).toEqual([]);
    expect(loadConfig({ REGISTRAR_DATA_DIR: dataDir }).consul.address).toBe('http://localhost:8500');
    stack = await start();
    expect(stack.addresses).toEqual(before);
    expect(await readTraces(stack.addresses)).toEqual(ALL_TRACES);
    await stack.stop();
  });

  it('that is killed with -9 leaves no server either, and what they knew is there afterwards', async () => {
    owner = startOwner();
    const addresses = await ownersAddresses(owner);
    expect(await listening(addresses)).toHaveLength(4);
    const guardians = readState(dataDir)?.guardians ?? [];
    expect(guardians).toHaveLength(4);

    owner.kill('SIGKILL');
    await expect.poll(() => guardians.filter(isAlive), { timeout: 15_000 }).toEqual([]);
    await expect.poll(() => listening(addresses), { timeout: 5_000 }).toEqual([]);

    // A second one comes at once, while the first one's servers are still ending.
    owner = startOwner();
    await ownersAddresses(owner);
    owner.kill('SIGKILL');
    said.length = 0;
    stack = await start();
    expect(said).toContain('stack: waiting for the servers of the run before to end');
    expect(await readTraces(stack.addresses)).toEqual(ALL_TRACES);
  });

  it('that is gone leaves its data to wipe', async () => {
    await stack.stop();
    expect(await wipe(dataDir)).toBe(true);
    expect(existsSync(dataDir)).toBe(false);
  });
});

describe('a start', () => {
  it('that fails for one server stops the others, says why, and leaves the directory free', async () => {
    mkdirSync(dataDir);
    // Where Consul's directory should be there is a file.
    writeFileSync(join(dataDir, 'consul'), '');
    await expect(start()).rejects.toThrow(/EEXIST.*consul/);
    const state = readState(dataDir);
    expect(state?.guardians).toEqual([]);
    await expect(askOwner(dataDir, { action: 'status' })).rejects.toThrow('no stack is running');
    const again = state?.ports;
    await expect(choosePorts({ kafka: again?.kafka?.broker ?? 0 })).resolves.toEqual({ kafka: again?.kafka?.broker });
  });

  it('with an address at which nobody answers says so, and whose variable it is', async () => {
    await expect(nowhere).rejects.toThrow(/whose address is in the environment \(.*\), did not answer within 15 s/);
  });
});

/** A start with the addresses of servers that are not there. */
async function startNowhere(): Promise<unknown> {
  const { nowhere: port } = await choosePorts({ nowhere: 0 });
  const elsewhere = {
    CONSUL_HTTP_ADDR: `127.0.0.1:${port}`,
    TEMPORAL_ADDRESS: `127.0.0.1:${port}`,
    KAFKA_BROKERS: `127.0.0.1:${port}`,
    DATABASE_URL: `postgresql://127.0.0.1:${port}/x`,
  };
  return startStack({
    dataDir: join(root, 'other'),
    env: { ...env, ...elsewhere },
    logger: logger('stack-test'),
    onProgress: () => undefined,
  });
}

/** A process of its own that runs the stack and prints its addresses. */
function startOwner(): ChildProcess {
  const module = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);
  const code = `
    const { startStack } = await import(${module('../../src/stack/index.ts')});
    const { logger } = await import(${module('../../src/telemetry.ts')});
    const stack = await startStack({ dataDir: ${JSON.stringify(dataDir)}, env: process.env, onProgress: () => undefined, logger: logger('owner') });
    console.log(JSON.stringify(stack.addresses));`;
  return spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

function ownersAddresses(process: ChildProcess): Promise<Addresses> {
  const { stdout } = process;
  if (stdout === null) throw new Error('no output');
  return new Promise((resolve, reject) => {
    createInterface({ input: stdout }).once('line', (line) => resolve(JSON.parse(line) as Addresses));
    process.once('exit', (code) => reject(new Error(`the owner ended with ${code}`)));
  });
}
