import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { which } from '../locate.js';
import { GO } from '../prerequisites.js';
import { CONSUL, installConsul } from '../provision/consul.js';
import { installDir } from '../provision/install.js';
import { portOf } from '../ports.js';
import type { Installed, ServerKind } from './kind.js';

/** Consul as a server of one, which keeps what it knows in its data directory (`agent -dev` would forget it). */
export const consul: ServerKind = {
  name: 'consul',
  title: 'Consul',
  variable: 'CONSUL_HTTP_ADDR',
  usualPorts: { http: 8500, server: 8300, serf: 8301 },
  startWithinMs: 60_000,
  provisionNeeds: [GO],

  find({ env, cacheRoot }) {
    const onPath = which(['consul'], env);
    if (onPath !== undefined) return installed(onPath, `consul on PATH (${onPath})`);
    const cached = join(installDir(cacheRoot, CONSUL), 'consul');
    return existsSync(cached) ? installed(cached, `consul ${CONSUL.version}`) : undefined;
  },

  async provision(context) {
    return installed(await installConsul(context), `consul ${CONSUL.version}`);
  },

  addresses(ports) {
    return { consul: `http://127.0.0.1:${portOf(ports, 'http')}` };
  },

  async probe({ consul: url }) {
    const response = await fetch(`${url}/v1/status/leader`, { signal: AbortSignal.timeout(2000) });
    if (!response.ok) throw new Error(`${url}/v1/status/leader answers ${response.status}`);
    const leader: unknown = await response.json();
    if (leader === '') throw new Error('no leader is elected yet');
  },
};

/** Settings for which the agent has no flag. */
const SETTINGS = {
  // Elects itself within a second instead of ten: there is nobody to agree with.
  performance: { raft_multiplier: 1 },
  // The mesh is not used, and its certificate authority takes time to come up.
  connect: { enabled: false },
  peering: { enabled: false },
  disable_update_check: true,
  leave_on_terminate: false,
};

function installed(program: string, where: string): Installed {
  return {
    where,
    needs: [],
    async launch({ directory, ports, env }) {
      await mkdir(directory, { recursive: true });
      const args = [
        ...['agent', '-server', '-bootstrap-expect=1', '-ui', `-data-dir=${directory}`, '-node=registrar'],
        ...['-bind=127.0.0.1', '-client=127.0.0.1', '-log-level=warn', `-hcl=${hcl(SETTINGS)}`],
        ...[
          `-http-port=${portOf(ports, 'http')}`,
          `-server-port=${portOf(ports, 'server')}`,
          `-serf-lan-port=${portOf(ports, 'serf')}`,
        ],
        ...['-serf-wan-port=-1', '-dns-port=-1', '-grpc-port=-1', '-grpc-tls-port=-1'],
      ];
      return { command: program, args, env, cwd: directory, stopSignal: 'TERM', graceSeconds: 5 };
    },
  };
}

/** Consul's configuration language, written on one line. */
function hcl(settings: Readonly<Record<string, unknown>>): string {
  return Object.entries(settings)
    .map(([key, value]) =>
      typeof value === 'object' && value !== null
        ? `${key} { ${hcl({ ...value })} }`
        : `${key} = ${JSON.stringify(value)}`,
    )
    .join('\n');
}
