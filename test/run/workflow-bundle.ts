import { readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { bundleWorkflows } from '../../src/bundle.js';

/** Where the workflow bundle of a run is. */
export const BUNDLE = 'REGISTRAR_TEST_WORKFLOW_BUNDLE';

/**
 * Bundles the workflows once for a run, instead of once for each test file that has a worker (2.7 s of a core each).
 * The projects whose tests have workers call it; the first one does it. In watch mode it is done again before a rerun.
 *
 * @returns what removes the bundle
 */
export default async function bundleOnce(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  if (process.env[BUNDLE] !== undefined) return undefined;
  const path = join(tmpdir(), `workflow-bundle-${process.pid}.js`);
  const write = async (): Promise<void> => writeFile(path, (await bundleWorkflows()).code);
  await write();
  project.onTestsRerun(write);
  process.env[BUNDLE] = path;
  return async () => {
    delete process.env[BUNDLE];
    await rm(path);
  };
}

/** The bundle of the run; outside of a run, where histories are recorded, one that is made now. */
export async function workflowBundle(): Promise<{ readonly code: string }> {
  const path = process.env[BUNDLE];
  return path === undefined ? bundleWorkflows() : { code: await readFile(path, 'utf8') };
}
