import { copyFile, chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { refuseUnlessEqual } from './checksum.js';
import type { ProvisionContext } from './context.js';
import { installOnce } from './install.js';
import { run } from './run.js';

const MODULE = 'github.com/hashicorp/consul';

export const CONSUL = {
  name: 'consul',
  version: '1.21.0',
  /** Hash of the module's content, in the form of go.sum; everything it needs is pinned by its own go.sum. */
  moduleSum: 'h1:YdrBKpOkRe1nyOl1hUONAAvabD5p9kLnQZ1I/GRP4dQ=',
};

/** Packages that a build from nothing compiles, the standard library's included (`go list -deps`). */
const PACKAGES = 2030;

const downloadedModule = z.object({ Dir: z.string(), Sum: z.string() });

/** Builds Consul from its Go module and answers the program's path. */
export async function installConsul(context: ProvisionContext): Promise<string> {
  const step = (text: string) => context.onProgress({ kind: 'step', about: context.about, text });
  const directory = await installOnce(CONSUL, context, async (workDir) => {
    const moduleDir = join(workDir, 'module');
    const installation = join(workDir, 'install');
    const go = (args: readonly string[], onLine?: (line: string) => void) =>
      // -mod=mod: this module's go.mod and go.sum are completed as the build goes.
      run('go', args, context, {
        cwd: moduleDir,
        env: { GOFLAGS: `${context.env.GOFLAGS ?? ''} -mod=mod`.trim(), GOWORK: 'off' },
        ...(onLine && { onLine }),
      });

    await mkdir(moduleDir, { recursive: true });
    await rm(installation, { recursive: true, force: true });
    await mkdir(installation);

    step(`downloading the source of Consul ${CONSUL.version}`);
    // A module of its own: `go install consul@version` refuses, because Consul's go.mod has replace directives.
    await writeFile(join(moduleDir, 'go.mod'), 'module build\n\ngo 1.24\n');
    const source = downloadedModule.parse(
      JSON.parse(await go(['mod', 'download', '-json', `${MODULE}@v${CONSUL.version}`])),
    );
    refuseUnlessEqual(`the module ${MODULE}`, source.Sum, CONSUL.moduleSum);
    // One of its needs is not in the checksum database, so its own go.sum has to vouch for it.
    await copyFile(join(source.Dir, 'go.sum'), join(moduleDir, 'go.sum'));
    await chmod(join(moduleDir, 'go.sum'), 0o644);
    await go(['get', '-tool', `${MODULE}@v${CONSUL.version}`]);

    step('building Consul: about 5 minutes on two cores, once; the result is kept');
    let packages = 0;
    // Unoptimised: a third less time to build, and a development server does not need it.
    const flags = ['-trimpath', '-ldflags', '-s -w', '-gcflags', 'all=-N -l'];
    await go(['build', '-v', ...flags, '-o', join(installation, 'consul'), MODULE], () => {
      packages += 1;
      context.onProgress({
        kind: 'progress',
        about: context.about,
        text: 'building',
        done: Math.min(packages, PACKAGES),
        total: PACKAGES,
        unit: 'packages',
      });
    });
    return installation;
  });
  return join(directory, 'consul');
}
