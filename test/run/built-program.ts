import { copyFile, cp, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, stop } from 'esbuild';
import type { TestProject } from 'vitest/node';
import { ensurePage } from '../../src/cli/ui/page-build.js';
import { BUILT_PROGRAM } from './workers.js';
import { BUNDLE } from './workflow-bundle.js';

const ROOT = join(import.meta.dirname, '../..');

/**
 * Builds the program once for a run, in a folder that is laid out as the package is. A process from source needs twice
 * the processor to start, and a worker from source bundles the workflows each time.
 *
 * @returns what removes it
 */
export default async function buildOnce(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'built-program-'));
  const write = async (): Promise<void> => {
    const dist = join(folder, 'dist');
    process.env[BUILT_PROGRAM] = await buildProgram(folder);
    await copyFile(process.env[BUNDLE] ?? '', join(dist, 'workflow-bundle.js'));
    await ensurePage(() => undefined);
    await symlink(join(ROOT, 'dist/page'), join(dist, 'page'));
  };
  await write();
  project.onTestsRerun(write);
  return async () => {
    delete process.env[BUILT_PROGRAM];
    await rm(folder, { recursive: true });
  };
}

/**
 * Builds the program without the workflows' bundle and the page, where the run has not built it: worth it for a file
 * that starts it more than three times.
 *
 * @param folder whatever was built there before is replaced
 * @returns the file that node runs
 */
export async function buildProgram(folder: string): Promise<string> {
  const dist = join(folder, 'dist');
  await rm(dist, { recursive: true, force: true });
  await compile(dist);
  for (const part of ['registry/migrations', 'payloads/failure-converter.cjs'])
    await cp(join(ROOT, 'src', part), join(dist, 'src', part), { recursive: true });
  for (const shared of ['package.json', 'contracts', 'node_modules']) {
    await rm(join(folder, shared), { force: true });
    await symlink(join(ROOT, shared), join(folder, shared));
  }
  return join(dist, 'src/cli/main.js');
}

/** Each file by itself, by what tsx compiles with too; types are checked elsewhere. */
async function compile(dist: string): Promise<void> {
  await build({
    absWorkingDir: ROOT,
    entryPoints: ['src/**/*.ts', 'workflows/**/*.ts', 'activities/**/*.ts'],
    outdir: dist,
    outbase: '.',
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'error',
  });
  // Its process would be left at the end of the run.
  await stop();
}
