import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../run/temporary-folder.js';

/** The SDK as users have it: packed, and installed in an empty project. `npm run build:node` has built it before. */

const ROOT = join(import.meta.dirname, '../..');
const LIMIT_MB = 15;

let project: string;
const inProject = (command: string, ...args: string[]) =>
  execa(command, args, { cwd: project, all: true, reject: false });
const npmInstall = (what: string) =>
  execa('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', what], { cwd: project });

/** A program of this project; its output, and how it ended. */
async function run(
  name: string,
  code: string,
): Promise<{ readonly all: string; readonly exitCode: number | undefined }> {
  writeFileSync(join(project, name), code);
  const { all, exitCode } = await inProject(process.execPath, name);
  return { all, exitCode };
}

beforeAll(async () => {
  project = temporaryFolder('sdk-project');
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'a-node', private: true, type: 'module' }));
  const packed = await execa('npm', ['pack', '--json', '--pack-destination', project, join(ROOT, 'dist/node-package')]);
  const [{ filename }] = JSON.parse(packed.stdout) as [{ filename: string }];
  await npmInstall(`./${filename}`);
});

describe('@node-registrar/node in an empty project', () => {
  it(`takes at most ${LIMIT_MB} MB with all that it depends on`, async () => {
    const { stdout } = await execa('du', ['-sk', 'node_modules'], { cwd: project });
    const megabytes = Number.parseInt(stdout, 10) / 1024;
    console.log(`@node-registrar/node takes ${megabytes.toFixed(1)} MB, the limit is ${LIMIT_MB} MB`);
    expect(megabytes).toBeGreaterThan(1);
    expect(megabytes).toBeLessThanOrEqual(LIMIT_MB);
  });

  it('brings nothing of the registrar', () => {
    const installed = readdirSync(join(project, 'node_modules'));
    expect(installed).toEqual(expect.arrayContaining(['@node-registrar', 'kafkajs', 'pino']));
    for (const name of ['@temporalio', 'node-registrar', 'pg', 'fastify', 'pino-pretty', 'prom-client', 'zod'])
      expect(installed).not.toContain(name);
  });

  it('type checks the example of the README, the types of all libraries included', async () => {
    const readme = readFileSync(join(project, 'node_modules/@node-registrar/node/README.md'), 'utf8');
    const example = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? '';
    expect(example).toContain("from '@node-registrar/node'");
    writeFileSync(join(project, 'example.ts'), example);
    writeFileSync(join(project, 'broken.ts'), example.replace('brokers:', 'broker:'));
    writeFileSync(
      join(project, 'environment.ts'),
      `import { kafkaFromEnvironment, NodeHub, RegisteredNode, type KafkaConnection } from '@node-registrar/node';
       const kafka: KafkaConnection = kafkaFromEnvironment({ KAFKA_BROKERS: 'b:9093' });
       const hub = new NodeHub(kafkaFromEnvironment());
       new RegisteredNode({ ...kafka, node_type: 'effect', version: '1.0.0' });
       new RegisteredNode({ hub, node_type: 'effect', version: '1.0.0' });`,
    );
    const typeRoots = ['--types', 'node', '--typeRoots', join(ROOT, 'node_modules/@types')];
    const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2022', '--lib', 'es2022'];
    const { all } = await inProject(
      join(ROOT, 'node_modules/.bin/tsc'),
      ...options,
      ...typeRoots,
      'example.ts',
      'broken.ts',
      'environment.ts',
    );
    const faults = all.split('\n').filter((line) => line.includes('error TS'));
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(/^broken\.ts.*'broker' does not exist/);
  }, 120_000);

  it('refuses a description that no registrar would accept, and names the field', async () => {
    const { all, exitCode } = await run(
      'refused.js',
      `import { RegisteredNode } from '@node-registrar/node';
       new RegisteredNode({ brokers: ['127.0.0.1:1'], node_id: 'mailer-1', node_type: 'effect', version: 'latest' });`,
    );
    expect(exitCode).toBe(1);
    expect(all).toContain('node mailer-1 cannot be described like this to a registrar');
    expect(all).toContain('version');
  });

  it('takes its connection from a client.properties that the environment names', async () => {
    const lines = [
      'bootstrap.servers=kafka-1.example:9093',
      'security.protocol=SASL_SSL',
      'sasl.mechanism=SCRAM-SHA-512',
      "sasl.jaas.config=a.ScramLoginModule required username='node' password='p=1';",
    ];
    writeFileSync(join(project, 'client.properties'), lines.join('\n'));
    const { all, exitCode } = await run(
      'environment.js',
      `import { ConfigError, kafkaFromEnvironment } from '@node-registrar/node';
       console.log(JSON.stringify(kafkaFromEnvironment({ KAFKA_CLIENT_PROPERTIES: 'client.properties' })));
       try { kafkaFromEnvironment({}); } catch (error) { console.log(error instanceof ConfigError, error.message); }`,
    );
    const [connection = '', ...others] = all.split('\n');
    expect(JSON.parse(connection)).toEqual({
      brokers: ['kafka-1.example:9093'],
      security: { tls: {}, sasl: { mechanism: 'SCRAM-SHA-512', username: 'node', password: 'p=1' } },
    });
    expect(others.join('\n')).toMatch(/^true no Kafka is named: set KAFKA_BROKERS/);
    expect(exitCode).toBe(0);
  });

  it('says that Kafka is away where there is none, goes on trying, and stops', async () => {
    const { all, exitCode } = await run(
      'away.js',
      `import { RegisteredNode } from '@node-registrar/node';
       const node = new RegisteredNode({
         brokers: ['127.0.0.1:1'], node_id: 'mailer-1', node_type: 'effect', version: '1.0.0',
       });
       const problem = new Promise((resolve) => node.once('problem', resolve));
       node.start().catch((error) => console.log('start: ' + error.message));
       console.log('problem: ' + (await problem).message);
       console.log('it is ' + node.state);
       await node.stop();
       console.log('it is ' + node.state);`,
    );
    expect(all).toMatch(/problem: node mailer-1 .*127\.0\.0\.1:1/);
    expect(all).toContain('it is connecting');
    expect(all).toContain('start: node mailer-1 was stopped before it was active');
    expect(all).toContain('it is left');
    expect(exitCode).toBe(0);
  });

  it('shows its nodes to Prometheus once prom-client is there', async () => {
    await npmInstall('prom-client');
    const { all, exitCode } = await run(
      'metrics.js',
      `import { Registry } from 'prom-client';
       import { RegisteredNode } from '@node-registrar/node';
       import { NodeMetrics } from '@node-registrar/node/metrics';
       const registry = new Registry();
       const node = new RegisteredNode({ brokers: ['127.0.0.1:1'], node_type: 'effect', version: '1.0.0' });
       new NodeMetrics(registry).observe(node);
       console.log(await registry.metrics());`,
    );
    expect(all).toContain('registrar_node_states{state="idle"} 1');
    expect(exitCode).toBe(0);
  });
});
