import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../run/temporary-folder.js';
import { findKubectlValidate, findKustomize, findSystemdAnalyze, type Tool } from './tools.js';

/** What is deployed, checked by the tools of those who will run it. */

const DEPLOY = join(import.meta.dirname, '../../docs/deploy');

const run = ([program, ...first]: Tool, ...args: string[]) =>
  execa(program, [...first, ...args], { all: true, reject: false });

/** The file, with one thing in it that is wrong: what a check does not see is no check. */
function broken(folder: string, name: string, text: string, from: string, to: string): string {
  expect(text).toContain(from);
  const file = join(folder, name);
  writeFileSync(file, text.replace(from, to));
  return file;
}

describe('the units for systemd', () => {
  it('are what systemd reads, and a wrong one is not', async ({ skip }) => {
    const verify = await findSystemdAnalyze();
    if (verify === undefined) return skip('systemd-analyze is not on the PATH');
    const units = readdirSync(join(DEPLOY, 'systemd')).map((name) => join(DEPLOY, 'systemd', name));
    expect(units).toHaveLength(3);
    const { all, exitCode } = await run(verify, ...units);
    expect([exitCode, all]).toEqual([0, '']);

    const folder = temporaryFolder('units');
    const bridge = readFileSync(join(DEPLOY, 'systemd/registrar-bridge.service'), 'utf8');
    const wrong = broken(folder, 'registrar-bridge.service', bridge, 'TimeoutStopSec=30', 'TimeoutStopSec=soon');
    expect((await run(verify, wrong)).all).toContain('Failed to parse time value, ignoring: soon');
  });
});

describe('the manifests for Kubernetes', () => {
  it('are built by kustomize, and fit Kubernetes’ schemas; a wrong one does not', async ({ skip }) => {
    const build = await findKustomize();
    if (build === undefined) return skip('neither kustomize nor kubectl is on the PATH');
    const { stdout, stderr, exitCode } = await run(build, join(DEPLOY, 'kubernetes/overlays/production'));
    expect([exitCode, stderr]).toEqual([0, '']);
    expect([...stdout.matchAll(/^kind: (.*)$/gm)].map(([, kind]) => kind).sort()).toEqual([
      'ConfigMap',
      'Deployment',
      'Deployment',
      'Job',
      'Namespace',
      'PodDisruptionBudget',
      'PodDisruptionBudget',
      'Secret',
    ]);

    const validate = await findKubectlValidate();
    if (validate === undefined)
      return skip('kubectl-validate is not on the PATH, and cannot be built from its Go module');
    const folder = temporaryFolder('manifests');
    const right = join(folder, 'right.yaml');
    writeFileSync(right, stdout);
    const checked = await run(validate, right);
    expect(checked.exitCode, checked.all).toBe(0);
    const wrong = broken(folder, 'wrong.yaml', stdout, 'readinessProbe:', 'readynessProbe:');
    expect((await run(validate, wrong)).all).toContain('readynessProbe');
  }, 600_000);
});
