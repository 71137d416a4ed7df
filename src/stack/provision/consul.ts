import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProvisionContext } from './context.js';
import { goToolModule } from './go-module.js';
import { installOnce } from './install.js';

export const CONSUL = {
  name: 'consul',
  module: 'github.com/hashicorp/consul',
  version: '1.21.0',
  moduleSum: 'h1:YdrBKpOkRe1nyOl1hUONAAvabD5p9kLnQZ1I/GRP4dQ=',
};

/** Packages that a build from nothing compiles, the standard library's included (`go list -deps`). */
const PACKAGES = 2030;

/** Builds Consul from its Go module and answers the program's path. */
export async function installConsul(context: ProvisionContext): Promise<string> {
  const step = (text: string) => context.onProgress({ kind: 'step', about: context.about, text });
  const directory = await installOnce(CONSUL, context, async (workDir) => {
    const installation = join(workDir, 'install');
    await rm(installation, { recursive: true, force: true });
    await mkdir(installation, { recursive: true });

    step(`downloading the source of Consul ${CONSUL.version}`);
    const go = await goToolModule(CONSUL, [CONSUL.module], context, join(workDir, 'module'));

    step('building Consul: about 5 minutes on two cores, once; the result is kept');
    let packages = 0;
    // Unoptimised: a third less time to build, and a development server does not need it.
    const flags = ['-trimpath', '-ldflags', '-s -w', '-gcflags', 'all=-N -l'];
    await go(['build', '-v', ...flags, '-o', join(installation, 'consul'), CONSUL.module], () => {
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
