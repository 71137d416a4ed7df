import { chmod, copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { refuseUnlessEqual } from './checksum.js';
import type { ProvisionContext } from './context.js';
import { runTool } from './run.js';

/** A Go module at a version, which is built from source. */
export interface GoModule {
  readonly module: string;
  readonly version: string;
  /** Hash of the module's content, in the form of go.sum; everything it needs is pinned by its own go.sum. */
  readonly moduleSum: string;
}

/** Runs the Go command in the module that was made. */
export type Go = (args: readonly string[], onLine?: (line: string) => void) => Promise<string>;

const downloadedModule = z.object({ Dir: z.string(), Sum: z.string() });

/**
 * Makes a module of its own in a directory, with programs of another module as its tools. (`go install module@version`
 * refuses a module with replace directives, and has no go.sum to pin what is needed.)
 *
 * @param packages the programs' packages, in the module
 * @throws StackError when the module's content is not the one that is pinned
 */
export async function goToolModule(
  { module, version, moduleSum }: GoModule,
  packages: readonly string[],
  context: ProvisionContext,
  directory: string,
): Promise<Go> {
  const go: Go = (args, onLine) =>
    // -mod=mod: this module's go.mod and go.sum are completed as the build goes.
    runTool('go', args, context, {
      cwd: directory,
      env: { GOFLAGS: `${context.env.GOFLAGS ?? ''} -mod=mod`.trim(), GOWORK: 'off' },
      ...(onLine && { onLine }),
    });
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'go.mod'), 'module build\n\ngo 1.24\n');
  const source = downloadedModule.parse(JSON.parse(await go(['mod', 'download', '-json', `${module}@v${version}`])));
  refuseUnlessEqual(`the module ${module}`, source.Sum, moduleSum);
  // What is not in the checksum database its own go.sum has to vouch for.
  await copyFile(join(source.Dir, 'go.sum'), join(directory, 'go.sum'));
  await chmod(join(directory, 'go.sum'), 0o644);
  await go(['get', '-tool', ...packages.map((name) => `${name}@v${version}`)]);
  return go;
}
