import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/index.js';
import { checkPlan, makePlan } from '../../../src/stack/plan.js';
import {
  findJava,
  GO,
  JAVA,
  MAVEN,
  missingMessage,
  NPM,
  PIP,
  platformProblem,
  TAR,
  type Platform,
  type Prerequisite,
} from '../../../src/stack/prerequisites.js';
import { isReachable } from '../../../src/stack/users.js';

const linux = { platform: 'linux', arch: 'x64', glibc: true };
const kafka = { title: 'Kafka', variable: 'KAFKA_BROKERS' };
const consul = { title: 'Consul', variable: 'CONSUL_HTTP_ADDR' };

let bin: string;

beforeEach(() => {
  bin = mkdtempSync(join(tmpdir(), 'prerequisites-test-'));
});
afterEach(() => rmSync(bin, { recursive: true }));

/** Puts a program on the otherwise empty PATH. */
function program(name: string, body = 'exit 0', directory = bin): void {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, name), `#!/bin/sh\n${body}\n`);
  chmodSync(join(directory, name), 0o755);
}

describe('a platform', () => {
  it('that the binaries are for has no problem', () => {
    expect(platformProblem([kafka, consul], linux)).toBeUndefined();
  });

  it.each([
    ['darwin arm64', { platform: 'darwin', arch: 'arm64', glibc: false }],
    ['linux arm64', { platform: 'linux', arch: 'arm64', glibc: true }],
    ['linux x64 without glibc', { platform: 'linux', arch: 'x64', glibc: false }],
  ])('that cannot be provisioned fails with what to do: %s', (name, machine) => {
    const message = platformProblem([kafka, consul], machine);
    expect(message).toContain(`Kafka, Consul cannot be provisioned on ${name}`);
    expect(message).toContain('on PATH');
    expect(message).toContain('KAFKA_BROKERS, CONSUL_HTTP_ADDR');
    expect(message).toContain('docker compose up');
  });

  it('does not matter when nothing has to be provisioned', () => {
    expect(platformProblem([], { platform: 'darwin', arch: 'arm64', glibc: false })).toBeUndefined();
  });
});

describe('missing prerequisites', () => {
  const needs = [
    { server: 'Temporal', prerequisite: PIP },
    { server: 'Kafka', prerequisite: MAVEN },
    { server: 'Kafka', prerequisite: JAVA },
    { server: 'Consul', prerequisite: GO },
    { server: 'PostgreSQL', prerequisite: NPM },
    { server: 'PostgreSQL', prerequisite: TAR },
  ];

  it('are all named in one message, with what to install and the Docker alternative', async () => {
    const message = (await missingMessage(needs, { PATH: bin })) ?? '';
    for (const { prerequisite } of needs) {
      expect(message).toContain(prerequisite.title);
      expect(message).toContain(prerequisite.install);
    }
    expect(message).toContain('docker compose up');
    expect(message.split('\n')).toHaveLength(8);
  });

  it('one that several servers need is named once', async () => {
    const message = await missingMessage(
      [
        { server: 'A', prerequisite: MAVEN },
        { server: 'B', prerequisite: MAVEN },
      ],
      { PATH: bin },
    );
    expect(message).toContain('Maven (for A, B)');
    expect(message?.split('\n')).toHaveLength(3);
  });

  it('there is no message when everything is there', async () => {
    program('python3');
    program('mvn');
    program('java', 'echo \'openjdk version "21.0.1"\' >&2');
    program('go', 'echo go version go1.24.2 linux/amd64');
    program('npm');
    program('tar');
    expect(await missingMessage(needs, { PATH: bin })).toBeUndefined();
  });

  it.each<[string, Prerequisite, () => void, string]>([
    ['python3 without pip', PIP, () => program('python3', 'exit 1'), 'its pip is not'],
    ['a Java that is too old', JAVA, () => program('java', 'echo \'java version "1.8.0_292"\' >&2'), 'is Java 8'],
    ['a Go that is too old', GO, () => program('go', 'echo go version go1.21.3 linux/amd64'), 'is 1.21'],
  ])('%s does not do', async (_, prerequisite, make, problem) => {
    make();
    expect(await prerequisite.missing({ PATH: bin })).toContain(problem);
  });

  it("JAVA_HOME's Java goes before the one on PATH, and its version is read without starting it", async () => {
    const home = join(bin, 'jdk');
    program('java', 'exit 1', join(home, 'bin'));
    writeFileSync(join(home, 'release'), 'JAVA_VERSION="17.0.2"\n');
    program('java', 'echo \'java version "1.8.0"\' >&2');
    const env = { PATH: bin, JAVA_HOME: home };
    expect(findJava(env)).toBe(join(home, 'bin', 'java'));
    expect(await JAVA.missing(env)).toBeUndefined();
  });
});

describe('what counts', () => {
  /** Of a start with these variables, where nothing is in the cache. */
  const check = async (env: Readonly<Record<string, string>>, machine: Platform): Promise<void> => {
    const options = { dataDir: join(bin, 'data'), cacheDir: join(bin, 'cache'), env };
    await checkPlan(makePlan(options, loadConfig({ ...env, REGISTRAR_DATA_DIR: options.dataDir })), env, machine);
  };

  it('a server whose address is given needs nothing', async () => {
    const env = {
      PATH: bin,
      TEMPORAL_ADDRESS: 'a:1',
      KAFKA_BROKERS: 'a:1',
      CONSUL_HTTP_ADDR: 'a:1',
      DATABASE_URL: 'postgres://a/b',
    };
    await expect(check(env, { ...linux, arch: 'arm64' })).resolves.toBeUndefined();
  });

  it('a server on PATH needs no platform and no tool, only one to be provisioned does', async () => {
    program('temporal');
    program('kafka-server-start.sh');
    program('kafka-storage.sh');
    program('java', 'echo \'openjdk version "17"\' >&2');
    program('postgres');
    program('initdb');
    const env = { PATH: bin };
    await expect(check(env, linux)).rejects.toThrow(/^This is missing[^]*Go 1\.24[^-]*\(for Consul\)/);
    await expect(check(env, { ...linux, arch: 'arm64' })).rejects.toThrow(
      /^Consul cannot be provisioned on linux arm64/,
    );
    program('consul');
    await expect(check(env, { ...linux, arch: 'arm64' })).resolves.toBeUndefined();
  });

  it('a Kafka of the user still needs Java', async () => {
    program('kafka-server-start.sh');
    const env = { PATH: bin, TEMPORAL_ADDRESS: 'a:1', CONSUL_HTTP_ADDR: 'a:1', DATABASE_URL: 'postgres://a/b' };
    await expect(check(env, linux)).rejects.toThrow(/Java 17 or newer \(for Kafka\)/);
  });
});

describe('a path that another user must reach', () => {
  const user = { name: 'somebody', uid: 54_321, gid: 54_321 };

  it('is not reachable below a closed directory', () => {
    mkdirSync(join(bin, 'open', 'data'), { recursive: true });
    mkdirSync(join(bin, 'closed', 'data'), { recursive: true });
    chmodSync(bin, 0o755);
    chmodSync(join(bin, 'closed'), 0o700);
    expect(isReachable(join(bin, 'open', 'data'), user)).toBe(true);
    expect(isReachable(join(bin, 'open', 'not', 'there', 'yet'), user)).toBe(true);
    expect(isReachable(join(bin, 'closed', 'data'), user)).toBe(false);
    expect(isReachable(join(bin, 'closed', 'data'), undefined)).toBe(true);
  });
});
