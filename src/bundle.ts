import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { bundleWorkflowCode, type WorkflowBundleWithSourceMap } from '@temporalio/worker';

/** What must never be in the sandbox: large schemas are allocated per cached workflow, the others act. */
const FORBIDDEN = ['zod', 'yaml', 'pg', 'kafkajs', 'consul', 'pino'];

const WORKFLOWS = fileURLToPath(new URL('../workflows/index.ts', import.meta.url));
const TRACES = fileURLToPath(new URL('../workflows/traces.ts', import.meta.url));
const FAILURES = fileURLToPath(new URL('payloads/workflow-failures.ts', import.meta.url));

/**
 * Loaded once a V8 context and shared by all workflows in it, frozen, instead
 * of once a workflow. Temporal's library keeps a workflow's state in an object
 * of that workflow; ours keep none (a lint rule holds that).
 */
const SHARED = ['@temporalio/common', '@temporalio/workflow', 'uuid', 'long', 'ms'];

/**
 * Bundles the workflows and checks the bundle.
 *
 * @param source the file that exports them
 * @throws Error when a `node:` module or one of the forbidden packages got in, with the file that imports it
 */
export async function bundleWorkflows(source: string = WORKFLOWS): Promise<WorkflowBundleWithSourceMap> {
  const silent = (): void => undefined;
  const logger = { log: silent, trace: silent, debug: silent, info: silent, warn: console.error, error: console.error };
  // webpack's bundler fails on node: modules by itself; a package is only seen in what it made.
  const bundle = await bundleWorkflowCode({
    workflowsPath: source,
    workflowInterceptorModules: [TRACES],
    failureConverterPath: FAILURES,
    logger,
    preloadModules: [...SHARED, FAILURES, source],
  });
  const inside = FORBIDDEN.filter((name) => bundle.code.includes(`node_modules/${name}/`));
  if (inside.length > 0) {
    throw new Error(
      `The workflow bundle contains ${inside.join(', ')}: a file that ${relative(process.cwd(), source)} ` +
        'imports, directly or not, imports it. Move that import into an activity.',
    );
  }
  return bundle;
}

/** `tsx src/bundle.ts [file]`: check only, or write the bundle that a built worker starts with. */
async function main(target: string | undefined): Promise<void> {
  const { code } = await bundleWorkflows();
  if (target === undefined) {
    console.log(`workflow bundle: ${Math.round(code.length / 1024)} KiB, nothing forbidden in it`);
    return;
  }
  mkdirSync(dirname(resolve(target)), { recursive: true });
  writeFileSync(target, code);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href)
  await main(process.argv[2]);
