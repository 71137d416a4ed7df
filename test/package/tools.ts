import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { userCacheRoot } from '../../src/stack/provision/context.js';

/** A program and its first arguments. */
export type Tool = readonly [string, ...string[]];

const onPath = async (name: string): Promise<string | undefined> => {
  const { stdout, exitCode } = await execa('which', [name], { reject: false });
  return exitCode === 0 ? stdout : undefined;
};

/** What builds a kustomization: kustomize, or the one that is in kubectl; undefined where neither is on the PATH. */
export async function findKustomize(): Promise<Tool | undefined> {
  const kustomize = await onPath('kustomize');
  if (kustomize !== undefined) return [kustomize, 'build'];
  const kubectl = await onPath('kubectl');
  return kubectl === undefined ? undefined : [kubectl, 'kustomize'];
}

/** systemd's own check of units; undefined where it is not on the PATH. */
export async function findSystemdAnalyze(): Promise<Tool | undefined> {
  const found = await onPath('systemd-analyze');
  return found === undefined ? undefined : [found, 'verify'];
}

const VALIDATE = 'sigs.k8s.io/kubectl-validate@v0.0.4';

/**
 * Checks manifests against Kubernetes' own schemas, without a cluster: on the PATH, or built once from its Go module.
 *
 * @returns undefined where it can be had in neither way
 */
export async function findKubectlValidate(): Promise<Tool | undefined> {
  const found = await onPath('kubectl-validate');
  if (found !== undefined) return [found];
  const folder = join(userCacheRoot(process.env), 'kubectl-validate-0.0.4');
  const built = join(folder, 'kubectl-validate');
  if (!existsSync(built)) await execa('go', ['install', VALIDATE], { env: { GOBIN: folder }, reject: false });
  return existsSync(built) ? [built] : undefined;
}
