import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/index.js';
import { loadContracts } from '../../src/contracts/load.js';
import { allTopics } from '../../src/cli/setup/all-topics.js';
import { createAdmin, createKafka, openCluster } from '../../src/kafka/index.js';
import { nodeKey } from '../../src/protocol/node-key.js';
import { bindKey } from '../../src/registry/keys/bound-keys.js';
import { logger } from '../../src/telemetry.js';
import { commandsFor, type DocumentedCommand } from '../run/documented.js';
import { runDocumented, typed } from '../run/run-documented.js';
import { registrar, RegistrarProcess } from './cli-process.js';
import { openDatabase, type Database } from './registry/database.js';
import { openNamespace } from './namespace.js';
import { patientProducer } from './patient-producer.js';
import { servers } from './servers.js';

/** The commands against servers that somebody else runs, with topics and a task queue of their own. */

const name = `cli${randomUUID().slice(0, 8)}`;
const dataDir = mkdtempSync(join(tmpdir(), 'node-registrar-cli-'));
let env: NodeJS.ProcessEnv;
let database: Database;
let up: RegistrarProcess;

beforeAll(async () => {
  database = await openDatabase('cli');
  env = {
    ...process.env,
    DATABASE_URL: database.url,
    REGISTRAR_ENV: name,
    REGISTRAR_TASK_QUEUE: name,
    TEMPORAL_NAMESPACE: await openNamespace(name),
    REGISTRAR_DATA_DIR: dataDir,
  };
  const setup = await registrar(env, 'setup');
  expect(setup.code, setup.stderr).toBe(0);
  expect(setup.stdout).toMatch(/15 topics created/);
  // The second time there is nothing to do.
  expect((await registrar(env, 'setup')).stdout).toBe('Prepared: tables, topics and search attributes are there.\n');

  const cluster = await openCluster(
    createKafka({ brokers: servers().kafkaBrokers, clientId: name, logger: logger('kafka') }),
  );
  const topics = allTopics(loadContracts(), loadConfig(env));
  const kept = await cluster.topicSetting(topics, 'retention.ms');
  await cluster.close();
  // Heartbeats and markers of a second are many: the others stay as long as the broker keeps them by default.
  expect(topics.filter((topic) => kept.get(topic) === '86400000')).toEqual([expect.stringContaining('heartbeat')]);

  const early = await registrar(env, 'doctor');
  expect(early.code).toBe(4);
  expect(early.stdout).toMatch(/a worker polls task queue .*: nobody does/);
  expect(early.stdout).toMatch(/a bridge reads .*: nobody does/);

  up = new RegistrarProcess(['up', '--no-stack'], env);
  await up.says(/The registrar is up\./);
});

afterAll(async () => {
  up?.kill('SIGTERM');
  const { code, signal, stderr } = await up.ends();
  expect({ code, signal }, stderr).toEqual({ code: 0, signal: null });
  expect(stderr).toContain('Stopping: bridge, worker, servers.');
  rmSync(dataDir, { recursive: true, force: true });
  await database.drop();
});

test('a start leaves nothing in Temporal and sends no introspection', async () => {
  const config = loadConfig(env);
  const connection = await Connection.connect({ address: config.temporal.address });
  const client = new Client({ connection, namespace: config.temporal.namespace });
  const [introspections] = allTopics(loadContracts(config.contractsDir), config);
  const admin = createAdmin(createKafka({ ...config.kafka, clientId: name, logger: logger('kafka') }));
  try {
    const ends = await admin.topicEnds(introspections ?? '');
    expect(ends).toHaveLength(6);
    expect(ends.filter(({ low, high }) => low !== high)).toEqual([]);
    const runs: string[] = [];
    for await (const { workflowId } of client.workflow.list({ query: `TaskQueue = '${name}'` })) runs.push(workflowId);
    expect(runs).toEqual([]);
  } finally {
    await Promise.all([admin.close(), connection.close()]);
  }
});

test('doctor finds nothing to see to', async () => {
  const { code, stdout } = await registrar(env, 'doctor', '--json');
  expect(code, stdout).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ ok: true });
});

describe('a node without acks of its own', () => {
  const id = `mailer-${randomUUID().slice(0, 8)}`;
  let node: RegistrarProcess;
  let watch: RegistrarProcess;

  beforeAll(async () => {
    watch = new RegistrarProcess(['watch', id, '--json'], env);
    await watch.says(/"kind":"unknown"/);
    node = new RegistrarProcess(
      [
        'node',
        '--id',
        id,
        '--no-ack',
        '--endpoint',
        'health=http://10.0.0.7:8080/health',
        '--capability',
        'mail.send',
        'mail.read',
      ],
      env,
    );
    const [, line] = await node.says(/acknowledge it in another terminal: +(?:npm run registrar --|registrar) (.+)\n/);
    expect(line).toBe(`ack ${id}`);
  });

  test('waits for one, and status says so', async () => {
    const { code, stdout } = await registrar(env, 'status', id);
    expect(code).toBe(0);
    expect(stdout).toMatch(/AWAITING_ACK\n\nIt waits for the node's acknowledgement: round 1 of 3, \d+ s left/);
    expect(stdout).toMatch(/Next: with the acknowledgement, ACK_RECEIVED and then ACTIVE; without it, ACK_TIMED_OUT/);
    expect(stdout).toContain('mail.read, mail.send');
    expect(stdout).toContain(`ack ${id}`);
  });

  test('becomes ACTIVE by registrar ack', async () => {
    const { code, stdout, stderr } = await registrar(env, 'ack', id);
    expect(code, stderr).toBe(0);
    expect(stdout).toBe(`${id} is ACTIVE: the ack counted\n`);
    expect((await registrar(env, 'completion', 'bash', '--', 'status', id.slice(0, -1))).stdout).toBe(`${id}\n`);
    await node.says(/ACTIVE: discoverable from now on/);
    const list = await registrar(env, 'list', '--state', 'active', '--type', 'effect', '--json');
    expect(JSON.parse(list.stdout)).toMatchObject({
      nodes: expect.arrayContaining([
        expect.objectContaining({ node_id: id, state: 'ACTIVE', attempt: 1, in_registry: true }),
      ]) as unknown,
    });
  });

  test('needs no second one, and a retry repairs it', async () => {
    const [again, retry] = await Promise.all([registrar(env, 'ack', id), registrar(env, 'retry', id)]);
    expect(again.code).toBe(1);
    expect(again.stderr).toContain('ignored an ack in state ACTIVE');
    expect(retry.code, retry.stderr).toBe(0);
    expect(retry.stdout).toBe(
      `Node ${id} is well: its Consul registration and registry row are written again (attempt 1).\n`,
    );
  });

  test('is drained by registrar drain, with who and why, and found again by undrain', async () => {
    const drain = await registrar(env, 'drain', id, '--reason', 'a new disk');
    expect(drain.stdout, drain.stderr).toMatch(
      new RegExp(`^Node ${id} is DRAINING \\(attempt 1\\): others do not find it`),
    );
    await node.says(/draining: others do not find it any more \(.*: a new disk\)/);
    const undrain = await registrar(env, 'undrain', id);
    expect(undrain.stdout, undrain.stderr).toBe(`Node ${id} is ACTIVE (attempt 1): others find it again.\n`);
  });

  test('leaves by Ctrl-C, and can be registered again by hand', async () => {
    node.kill('SIGINT');
    const { code, stdout } = await node.ends();
    expect(code).toBe(0);
    expect(stdout).toMatch(/left, after \d+ heartbeats?\n$/);
    await expect
      .poll(async () => (await registrar(env, 'status', id)).stdout, { timeout: 20_000, interval: 500 })
      .toMatch(/ended \d+ s ago as DEREGISTERED: the node left\nNext: its next startup begins attempt 2/);

    const late = await registrar(env, 'ack', id);
    expect(late.code).toBe(1);
    expect(late.stderr).toContain(`has no open registration to acknowledge: it is DEREGISTERED`);
    const retry = await registrar(env, 'retry', id);
    expect(retry.code, retry.stderr).toBe(0);
    expect(retry.stdout).toBe(`Node ${id} is being registered again: attempt 2.\n`);
  });

  test('was watched meanwhile: a line a change, until Ctrl-C', async () => {
    await watch.says(/"to":"ACTIVE"[^]*"to":"DEREGISTERED"[^]*"attempt":2/);
    watch.kill('SIGINT');
    const { code, stdout, stderr } = await watch.ends();
    expect(code, stderr).toBe(0);
    const events = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(events[0]).toEqual({ at: expect.any(String) as string, kind: 'unknown', node_id: id });
    expect(events).toContainEqual(
      expect.objectContaining({ kind: 'state', node_id: id, to: 'DEREGISTERED', reason: 'the node left' }),
    );
    expect(events.filter(({ node_id }) => node_id !== id)).toEqual([]);
  });
});

test('a node that is nobody has nothing to ack or retry', async () => {
  const [ack, retry] = await Promise.all([registrar(env, 'ack', 'nobody'), registrar(env, 'retry', 'nobody')]);
  expect([ack.code, retry.code]).toEqual([3, 3]);
});

test('a node that is not understood is found among the dead letters', async () => {
  const id = `odd-${randomUUID().slice(0, 8)}`;
  const config = loadConfig(env);
  const [topic] = allTopics(loadContracts(config.contractsDir), config);
  const producer = patientProducer(createKafka({ ...config.kafka, clientId: name, logger: logger('kafka') }));
  await producer.send([
    {
      topic: topic ?? '',
      key: id,
      headers: {},
      value: Buffer.from(JSON.stringify({ node_id: id, node_type: 'toaster', node_version: '1.0.0' })),
    },
  ]);
  await producer.close();
  let result = await registrar(env, 'status', id);
  await expect
    .poll(async () => (result = await registrar(env, 'status', id)).code, { timeout: 30_000, interval: 500 })
    .toBe(0);
  expect(result.stdout).toContain(`${id}  not understood`);
  expect(result.stdout).toMatch(/node_type: .*toaster/);
  expect(result.stdout).toMatch(
    new RegExp(`read from ${name}\\.onex\\.evt\\.node-introspection\\.v1, partition \\d, offset \\d+`),
  );
});

describe('the pages', () => {
  const documented = commandsFor('registrar');
  const startsANode = ({ text }: DocumentedCommand): boolean => text.startsWith('registrar node ');
  const places = { contracts: '', node_id: 'mailer-2' };
  let nodes: RegistrarProcess[] = [];

  beforeAll(async () => {
    nodes = documented.filter(startsANode).map((command) => new RegistrarProcess(typed(command, places), env));
    expect(nodes).toHaveLength(2);
    await Promise.all(nodes.map((node) => node.says(/acknowledge it in another terminal|ACTIVE: discoverable/)));
    // Where the contract asks for signatures, a node's first message binds its key.
    await bindKey(database.pool, 'mailer-1', nodeKey('a'.repeat(43)), null, 'first message');
  });
  afterAll(async () => {
    for (const node of nodes) node.kill('SIGINT');
    await Promise.all(nodes.map((node) => node.ends()));
  });

  test.each(documented.filter((command) => !startsANode(command)))('can be believed: $text', async (command) => {
    const { code, output } = await runDocumented(command, places, env);
    expect(code, output).toBe(0);
    expect(output).not.toBe('');
  });

  test('ask the registry what it can answer', async () => {
    for (const { text } of commandsFor('psql')) {
      const [, sql = ''] = / -c '(.*)'$/.exec(text) ?? [];
      const { rows } = await database.pool.query<{ node_id: string }>(sql);
      expect(rows.map(({ node_id }) => node_id)).toContain('mailer-2');
    }
  });
});

describe('up', () => {
  const another = async (): Promise<{
    readonly process: RegistrarProcess;
    readonly pids: Readonly<Record<string, number>>;
  }> => {
    const process = new RegistrarProcess(['up', '--no-stack'], env);
    const [, worker, bridge] = await process.says(/worker +process (\d+)\n.*bridge +process (\d+)\n/);
    return { process, pids: { worker: Number(worker), bridge: Number(bridge) } };
  };

  test('ends with an error when its bridge ends by itself', async () => {
    const { process: second, pids } = await another();
    process.kill(pids.bridge ?? 0, 'SIGKILL');
    const { code, stderr } = await second.ends();
    expect(code).toBe(1);
    expect(stderr).toContain(`The bridge (process ${pids.bridge}) has ended by itself, by SIGKILL.`);
    expect(isAlive(pids.worker ?? 0)).toBe(false);
  });

  test('takes worker and bridge with it when it is killed with -9', async () => {
    const { process: second, pids } = await another();
    second.kill('SIGKILL');
    await second.ends();
    await expect.poll(() => Object.values(pids).filter(isAlive), { timeout: 15_000 }).toEqual([]);
  });
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    // There is no such process.
    return false;
  }
}
