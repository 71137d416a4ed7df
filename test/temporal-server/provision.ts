import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProvisionContext } from '../../src/stack/provision/context.js';
import { goToolModule } from '../../src/stack/provision/go-module.js';
import { installOnce } from '../../src/stack/provision/install.js';

const TEMPORAL_SERVER = {
  name: 'temporal-server',
  module: 'go.temporal.io/server',
  version: '1.32.0',
  moduleSum: 'h1:JQoqsVREaGc8vcuDNfuRlySiV3tVi81XUOVC9LeL/1Y=',
};
const PROGRAMS = ['go.temporal.io/server/cmd/server', 'go.temporal.io/server/cmd/tools/sql'];

export interface TemporalPrograms {
  readonly server: string;
  /** Makes and upgrades the tables of the server. */
  readonly sqlTool: string;
}

/** Builds Temporal Server, as it runs in production, from its Go module: 6 to 20 minutes on two cores, once. */
export async function installTemporalServer(context: ProvisionContext): Promise<TemporalPrograms> {
  const directory = await installOnce(TEMPORAL_SERVER, context, async (workDir) => {
    const installation = join(workDir, 'install');
    await rm(installation, { recursive: true, force: true });
    await mkdir(installation, { recursive: true });
    const text = `building Temporal Server ${TEMPORAL_SERVER.version}: 6 minutes or more, once; the result is kept`;
    context.onProgress({ kind: 'step', about: context.about, text });
    const go = await goToolModule(TEMPORAL_SERVER, PROGRAMS, context, join(workDir, 'module'));
    // Unoptimised: it takes a third less time, and nothing is measured with it.
    const flags = ['-trimpath', '-ldflags', '-s -w', '-gcflags', 'all=-N -l'];
    await go(['build', ...flags, '-o', `${installation}/`, ...PROGRAMS]);
    return installation;
  });
  return { server: join(directory, 'server'), sqlTool: join(directory, 'sql') };
}
