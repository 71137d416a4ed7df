import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { userCacheRoot } from '../src/stack/provision/context.js';

/** The versions of Node that package.json allows, each with its types. */
export const VERSIONS = [
  { node: '20.20.2', types: '20.19.43' },
  { node: '22.23.3', types: '22.20.5' },
  { node: '24.21.0', types: '24.19.2' },
] as const;
export type Version = (typeof VERSIONS)[number];

const PLATFORM = `node-${process.platform}-${process.arch}`;

/**
 * Installs a Node as the npm package that it comes as, beside the other downloads, where it is not there yet.
 *
 * @returns the node_modules folder that has it and its types
 * @throws Error of npm where it cannot be had
 */
export async function installNode({ node, types }: Version): Promise<string> {
  const folder = join(userCacheRoot(process.env), `node-${node}`);
  mkdirSync(folder, { recursive: true });
  const packages = [`${PLATFORM}@${node}`, `@types/node@${types}`];
  await execa('npm', ['install', '--prefix', folder, '--prefer-offline', '--no-audit', '--no-fund', ...packages]);
  return join(folder, 'node_modules');
}

/** The folder with its program, for PATH; `modules` is what installing it has answered. */
export function binFolder(modules: string): string {
  return join(modules, PLATFORM, 'bin');
}
