import { execa } from 'execa';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { which } from './locate.js';
import { hasCode, StackError } from './state/errors.js';
import type { Environment } from './state/servers.js';

/** Something that must be on the machine for a server to be provisioned or run. */
export interface Prerequisite {
  /** What to call it in a message, e.g. 'Go 1.24 or newer'. */
  readonly title: string;
  /** How to come by it. */
  readonly install: string;
  /** Why it will not do as it is, or undefined when it will. */
  missing(env: Environment): Promise<string | undefined>;
}

/** What one server needs. */
export interface ServerNeed {
  /** e.g. 'Consul' */
  readonly server: string;
  readonly prerequisite: Prerequisite;
}

/** The platform that the registries' binaries are for. */
export interface Platform {
  readonly platform: string;
  readonly arch: string;
  readonly glibc: boolean;
}

const DOCKER = 'Or let Docker run everything: docker compose up';

/** This machine's platform. */
export function thisPlatform(): Platform {
  return { platform: process.platform, arch: process.arch, glibc: existsSync('/lib64/ld-linux-x86-64.so.2') };
}

/** The message for a platform for which nothing can be provisioned; undefined for one that can. */
export function platformProblem(
  toProvision: readonly { title: string; variable: string }[],
  machine: Platform,
): string | undefined {
  if (toProvision.length === 0) return undefined;
  if (machine.platform === 'linux' && machine.arch === 'x64' && machine.glibc) return undefined;
  const libc = machine.platform === 'linux' && !machine.glibc ? ' without glibc' : '';
  return [
    `${toProvision.map(({ title }) => title).join(', ')} cannot be provisioned on ${machine.platform} ` +
      `${machine.arch}${libc}: that works on linux x64 with glibc only. Instead,`,
    '  - install what is missing so that it is on PATH, or',
    `  - give the address of a server that runs: ${toProvision.map(({ variable }) => variable).join(', ')}, or`,
    '  - let Docker run everything: docker compose up',
  ].join('\n');
}

/**
 * One message that names everything that is missing, what it is for and how to come by it; undefined when nothing is.
 */
export async function missingMessage(needs: readonly ServerNeed[], env: Environment): Promise<string | undefined> {
  const byPrerequisite = new Map<Prerequisite, string[]>();
  for (const { server, prerequisite } of needs)
    byPrerequisite.set(prerequisite, [...(byPrerequisite.get(prerequisite) ?? []), server]);
  const checked = await Promise.all(
    [...byPrerequisite].map(async ([prerequisite, servers]) => ({
      prerequisite,
      servers,
      problem: await prerequisite.missing(env),
    })),
  );
  const lines = checked
    .filter(({ problem }) => problem !== undefined)
    .map(
      ({ prerequisite, servers, problem }) =>
        `  - ${prerequisite.title} (for ${servers.join(', ')}): ${problem}. ${prerequisite.install}`,
    );
  if (lines.length === 0) return undefined;
  return ['This is missing on this machine:', ...lines, DOCKER].join('\n');
}

/** Fails with one message when the platform or anything needed is missing. */
export async function requirePrerequisites(
  toProvision: readonly { title: string; variable: string }[],
  needs: readonly ServerNeed[],
  env: Environment,
  machine: Platform = thisPlatform(),
): Promise<void> {
  const problem = platformProblem(toProvision, machine) ?? (await missingMessage(needs, env));
  if (problem !== undefined) throw new StackError(problem);
}

export const PIP: Prerequisite = {
  title: 'Python 3 with pip',
  install: 'Debian/Ubuntu: apt install python3-pip',
  async missing(env) {
    if (which(['python3'], env) === undefined) return 'there is no python3 on PATH';
    return (await answers(['python3', '-m', 'pip', '--version'], env))
      ? undefined
      : 'python3 is there, but its pip is not';
  },
};

export const JAVA: Prerequisite = {
  title: 'Java 17 or newer',
  install: 'Debian/Ubuntu: apt install openjdk-17-jre-headless',
  async missing(env) {
    const java = findJava(env);
    if (java === undefined) return 'there is no java on PATH, and JAVA_HOME names none';
    const version = javaVersion(java) ?? (await runJavaVersion(java, env));
    if (version === undefined) return `${java} does not print its version`;
    return version >= 17 ? undefined : `${java} is Java ${version}`;
  },
};

export const MAVEN: Prerequisite = {
  title: 'Maven',
  install: 'Debian/Ubuntu: apt install maven',
  missing: (env) => Promise.resolve(which(['mvn'], env) === undefined ? 'there is no mvn on PATH' : undefined),
};

export const GO: Prerequisite = {
  title: 'Go 1.24 or newer',
  install: 'See https://go.dev/doc/install',
  async missing(env) {
    if (which(['go'], env) === undefined) return 'there is no go on PATH';
    // Anywhere but in this directory: a go.mod above it may ask for another toolchain.
    const { stdout } = await execa('go', ['version'], {
      env: { ...env },
      extendEnv: false,
      cwd: tmpdir(),
      reject: false,
    });
    const version = /go(\d+)\.(\d+)/.exec(stdout);
    if (version === null) return 'go does not print its version';
    const [major, minor] = [Number(version[1]), Number(version[2])];
    return major > 1 || minor >= 24 ? undefined : `the one on PATH is ${major}.${minor}`;
  },
};

export const NPM: Prerequisite = {
  title: 'npm',
  install: 'It comes with Node.js: https://nodejs.org',
  missing: (env) => Promise.resolve(which(['npm'], env) === undefined ? 'there is no npm on PATH' : undefined),
};

export const TAR: Prerequisite = {
  title: 'tar',
  install: 'Debian/Ubuntu: apt install tar',
  missing: (env) => Promise.resolve(which(['tar'], env) === undefined ? 'there is no tar on PATH' : undefined),
};

async function answers([command, ...args]: [string, ...string[]], env: Environment): Promise<boolean> {
  return !(await execa(command, args, { env: { ...env }, extendEnv: false, reject: false })).failed;
}

/** The Java to use: JAVA_HOME's, else the one on PATH. */
export function findJava(env: Environment): string | undefined {
  const home = env.JAVA_HOME;
  return which(['java'], home === undefined || home === '' ? env : { PATH: `${join(home, 'bin')}:${env.PATH ?? ''}` });
}

/** Reads Java's version from its installation: starting one lasts as long as all other checks together. */
function javaVersion(java: string): number | undefined {
  try {
    const release = readFileSync(join(dirname(dirname(realpathSync(java))), 'release'), 'utf8');
    return majorOf(/^JAVA_VERSION="([^"]+)"/m.exec(release)?.[1]);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'EACCES', 'ENOTDIR')) return undefined;
    throw error;
  }
}

async function runJavaVersion(java: string, env: Environment): Promise<number | undefined> {
  const { stderr } = await execa(java, ['-version'], { env: { ...env }, extendEnv: false, reject: false });
  return majorOf(/version "([^"]+)"/.exec(stderr)?.[1]);
}

function majorOf(version: string | undefined): number | undefined {
  const match = /^(?:1\.)?(\d+)/.exec(version ?? '');
  return match?.[1] === undefined ? undefined : Number(match[1]);
}
