import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { createProgram } from '../../../src/cli/main.js';
import { loadConfig } from '../../../src/config/index.js';

/** What registrar is and what docs/deploy says of it; test/package/ has that checked by the real tools. */

const DEPLOY = join(import.meta.dirname, '../../../docs/deploy');

interface Container {
  readonly args: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value: string }[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly readinessProbe?: { readonly httpGet: { readonly path: string; readonly port: string } };
  readonly livenessProbe?: { readonly httpGet: { readonly path: string; readonly port: string } };
}

const base = join(DEPLOY, 'kubernetes/base');
const containers = readdirSync(base)
  .flatMap((name) => parseAllDocuments(readFileSync(join(base, name), 'utf8')))
  .map((document) => document.toJS() as { spec?: { template?: { spec: { containers: readonly Container[] } } } })
  .flatMap(({ spec }) => spec?.template?.spec.containers ?? []);
const units = readdirSync(join(DEPLOY, 'systemd')).map((name) => readFileSync(join(DEPLOY, 'systemd', name), 'utf8'));

/** Where bridge and worker serve, by the variables of an environment. */
const served = (variables: Readonly<Record<string, string>>): string[] =>
  Object.values(loadConfig(variables).metrics).flatMap((address) => address.split(':')[1] ?? []);

it('runs commands that registrar has', () => {
  const commands = createProgram().commands.map((command) => command.name());
  const run = [
    ...containers.map(({ args }) => args.join(' ')),
    ...units.map((unit) => /^ExecStart=.*main\.js (.*)$/m.exec(unit)?.[1] ?? ''),
  ];
  expect([...run].sort()).toEqual(['bridge', 'bridge', 'setup', 'setup', 'worker', 'worker']);
  for (const command of run) expect(commands).toContain(command);
});

it('asks for probes where the process serves them', () => {
  const replicated = containers.filter(({ ports }) => ports !== undefined);
  expect(replicated).toHaveLength(2);
  for (const { env = [], ports = [], readinessProbe, livenessProbe } of replicated) {
    const variables = Object.fromEntries(env.map(({ name, value }) => [name, value]));
    expect(served(variables)).toEqual(ports.map(({ containerPort }) => String(containerPort)));
    expect(readinessProbe?.httpGet).toEqual({ path: '/readyz', port: 'metrics' });
    expect(livenessProbe?.httpGet).toEqual({ path: '/livez', port: 'metrics' });
  }
});
