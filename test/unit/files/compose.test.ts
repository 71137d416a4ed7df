import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { describe, expect, it } from 'vitest';
import { createProgram } from '../../../src/cli/main.js';
import { loadConfig } from '../../../src/config/index.js';
import { NODE_TYPES } from '../../../src/protocol/fields.js';

/** What no engine is needed for. docs/servers.md says what else was checked, and with what. */

interface Service {
  readonly image: string;
  readonly build?: string;
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly restart?: string;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
}

const ROOT = join(import.meta.dirname, '../../..');
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

const compose = parse(read('docker-compose.yml'), { merge: true }) as {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
};
const services = Object.entries(compose.services);
const ours = services.filter(([, service]) => service.build !== undefined);
const theirs = services.filter(([, service]) => service.build === undefined);

/**
 * An exact version, not a line of versions: at least two dots, or one for PostgreSQL, whose versions have no third
 * part.
 */
const EXACT = /^[a-z0-9/.-]+:(\d+\.\d+\.\d+|(?<=postgres:)\d+\.\d+)(-[a-z-]+)?$/;

describe('docker-compose.yml', () => {
  it('has the four servers, each of an exact version', () => {
    expect(theirs.map(([name]) => name)).toEqual(['temporal', 'kafka', 'consul', 'postgres']);
    for (const [name, { image }] of theirs) expect(image, name).toMatch(EXACT);
  });

  it('pins what a moving tag would not', () => {
    for (const moving of [
      'temporalio/temporal:latest',
      'apache/kafka',
      'hashicorp/consul:1.21',
      'postgres:17',
      'node:20-slim',
    ])
      expect(moving).not.toMatch(EXACT);
  });

  it('asks every service for its health, except those that end', () => {
    for (const [name, { healthcheck, restart }] of services) {
      if (restart === 'no') expect(healthcheck, name).toBeUndefined();
      else expect(healthcheck?.test[0], name).toMatch(/^CMD(-SHELL)?$/);
    }
  });

  it('waits for services that exist, by the condition that they can meet', () => {
    const waits = services.flatMap(([name, { depends_on = {} }]) =>
      Object.entries(depends_on).map(([target, { condition }]) => ({ name, target, condition })),
    );
    expect(waits.length).toBeGreaterThan(0);
    for (const { name, target, condition } of waits) {
      const service = compose.services[target];
      expect(service, `${name} waits for ${target}`).toBeDefined();
      expect(condition, `${name} waits for ${target}`).toBe(
        service?.restart === 'no' ? 'service_completed_successfully' : 'service_healthy',
      );
    }
  });

  it('lets every service of ours wait for the four servers', () => {
    const waitsFor = (name: string): string[] =>
      Object.keys(compose.services[name]?.depends_on ?? {}).flatMap((target) => [target, ...waitsFor(target)]);
    for (const [name] of ours)
      expect(waitsFor(name), name).toEqual(expect.arrayContaining(theirs.map(([server]) => server)));
  });

  it('opens ports on this machine only, each once', () => {
    const ports = services.flatMap(([, service]) => service.ports ?? []);
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:(\d+):\d+$/);
    expect(new Set(ports.map((port) => port.split(':')[1])).size).toBe(ports.length);
  });

  it('declares every volume that it mounts, and keeps each server’s data in one', () => {
    const mounted = services.flatMap(([, { volumes = [] }]) => volumes.map((volume) => volume.split(':')[0]));
    expect(mounted.sort()).toEqual(Object.keys(compose.volumes).sort());
    for (const [name, { volumes }] of theirs) expect(volumes, name).toHaveLength(1);
  });

  it('gives our services variables that the configuration reads, and all four servers with them', () => {
    const source = readdirSync(join(ROOT, 'src/config'), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => read(`src/config/${file}`))
      .join('\n');
    for (const [name, { environment = {} }] of ours) {
      for (const variable of Object.keys(environment))
        expect(source, `${name}: ${variable}`).toMatch(new RegExp(`\\b${variable}\\b`));
      const config = loadConfig(environment);
      expect(config.fromEnvironment, name).toEqual({ temporal: true, kafka: true, consul: true, postgres: true });
      for (const host of addressesOf(config)) expect(compose.services[host], `${name}: ${host}`).toBeDefined();
    }
  });

  it('starts commands that exist, with options that they have', () => {
    for (const [name, { command = [], entrypoint, healthcheck }] of ours) {
      const started = entrypoint === undefined ? `registrar ${command.join(' ')}` : (entrypoint.at(-1) ?? '');
      const asked = healthcheck?.test.slice(1).join(' ') ?? '';
      for (const line of [started, asked].flatMap((text) =>
        [...text.matchAll(/registrar ([^|]+)/g)].map((match) => match[1] ?? ''),
      )) {
        const [verb, ...words] = line.trim().split(/ +/);
        const known = createProgram().commands.find((one) => one.name() === verb);
        expect(known, `${name}: registrar ${line}`).toBeDefined();
        for (const option of words.filter((word) => /^--?[a-z]/.test(word)))
          expect(
            known?.options.map(({ long }) => long),
            `${name}: ${option}`,
          ).toContain(option);
      }
    }
  });

  it('asks bridge and worker for the probe that each serves', () => {
    for (const name of ['bridge', 'worker'] as const) {
      const { environment = {}, healthcheck } = compose.services[name] ?? {};
      const port = loadConfig(environment).metrics[name]?.split(':')[1];
      expect(healthcheck?.test.join(' '), name).toContain(`http://127.0.0.1:${port}/readyz`);
    }
  });

  it('has a fleet of all four node types, each named after its type', () => {
    const fleet = ours.filter(([, { entrypoint }]) => entrypoint !== undefined);
    expect(fleet.map(([name, { command }]) => [name, command])).toEqual(
      expect.arrayContaining(NODE_TYPES.map((type) => [type, [type]])),
    );
  });

  it('lets Kafka take no topic that was not made on purpose', () => {
    expect(compose.services.kafka?.environment?.KAFKA_AUTO_CREATE_TOPICS_ENABLE).toBe('false');
  });
});

describe('Dockerfile', () => {
  const instructions = read('Dockerfile')
    .replace(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => /^[A-Z]+ /.test(line));

  it('builds from exact versions, on glibc, which Temporal’s native module needs', () => {
    const stages = instructions.flatMap((line) => /^FROM \S+ AS (\S+)/.exec(line)?.[1] ?? []);
    const images = instructions
      .flatMap((line) => /^FROM (\S+)/.exec(line)?.[1] ?? [])
      .filter((image) => !stages.includes(image));
    expect(images.length).toBeGreaterThan(0);
    for (const image of images) {
      expect(image).toMatch(EXACT);
      expect(image).not.toContain('alpine');
    }
  });

  it('does not run as root', () => {
    const lastStage = instructions.slice(instructions.findLastIndex((line) => line.startsWith('FROM ')));
    expect(lastStage.findLast((line) => line.startsWith('USER '))).toMatch(/^USER [1-9]/);
  });

  it('copies what is there and what .dockerignore lets through', () => {
    const sent = read('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));
    const copied = instructions
      .filter((line) => line.startsWith('COPY ') && !line.includes('--from='))
      .flatMap((line) => line.split(/ +/).slice(1, -1));
    for (const path of copied) {
      expect(existsSync(join(ROOT, path)), path).toBe(true);
      expect(
        sent.some((allowed) => path === allowed || path.startsWith(`${allowed}/`)),
        path,
      ).toBe(true);
    }
    expect(
      sent.filter((allowed) => !copied.some((path) => path === allowed || path.startsWith(`${allowed}/`))),
    ).toEqual([]);
  });
});

function addressesOf({ temporal, kafka, consul, postgres }: ReturnType<typeof loadConfig>): string[] {
  const urls = [consul.address, postgres.connectionString].map((url) => new URL(url).hostname);
  return [temporal.address, ...kafka.brokers].map((address) => address.split(':')[0] ?? '').concat(urls);
}
