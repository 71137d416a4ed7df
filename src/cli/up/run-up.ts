import pc from 'picocolors';
import { busyWhile } from '../../stack/busy-line.js';
import { progressReporter } from '../../stack/index.js';
import type { Child } from '../processes/children.js';
import { facts } from '../terminal/format.js';
import { log, print } from '../terminal/output.js';
import { logsDirectory } from '../terminal/links.js';
import { postgresPlace } from '../setup/prepare-servers.js';
import { logger } from '../../telemetry.js';
import { startPage, type PageBeside } from '../ui/page-beside.js';
import type { UpOptions } from './options.js';
import { startRegistrar, type Registrar } from './registrar.js';
import { untilStopped } from '../processes/stopping.js';
import { CliError, EXIT } from '../terminal/exit-codes.js';

/** Everything that a registrar needs, until it is stopped or something ends by itself. */
export async function runUp(children: readonly Child[], { stack, allowActions }: UpOptions): Promise<void> {
  const stopping = untilStopped(() => log('Stopping: bridge, worker, servers. Ctrl-C again ends at once.'));
  const registrar = await startOrEnd(children, stack, stopping.signal);
  const page = await busyWhile('preparing the fleet page', () =>
    startPage(registrar.config, {
      actions: allowActions === true,
      print: log,
      ...(children.some(({ logFile }) => logFile !== null) ? {} : { logger: logger('page') }),
    }),
  );
  print(addressesText(registrar, children, page));
  const broken = await Promise.race([stopping.requested, registrar.broken]);
  await busyWhile('stopping', async () => {
    await page.close();
    await registrar.stop();
  });
  if (broken !== undefined) throw broken;
}

async function startOrEnd(children: readonly Child[], ownServers: boolean, signal: AbortSignal): Promise<Registrar> {
  const progress = progressReporter();
  try {
    return await startRegistrar({ children, ownServers, onProgress: progress.onProgress, signal });
  } catch (error) {
    if (signal.aborted) throw new CliError('Stopped before everything was up.', EXIT.interrupted, { cause: error });
    throw error;
  } finally {
    progress.stop();
  }
}

/** Where everything is, for a person. */
function addressesText({ config, links }: Registrar, children: readonly Child[], page: PageBeside): string {
  return [
    pc.bold('The registrar is up.'),
    facts([
      ['Fleet page', page.url],
      ['Temporal', `${config.temporal.address}${links.temporal === null ? '' : `   ${links.temporal}`}`],
      ['Kafka', config.kafka.brokers.join(', ')],
      ['Consul', `${config.consul.address}   ${links.consul ?? ''}`],
      ['PostgreSQL', postgresPlace(config)],
      ...children.map(
        ({ role, pid, logFile }) => [role, `process ${pid}${logFile === null ? '' : `, log ${logFile}`}`] as const,
      ),
      ['other logs', children.some(({ logFile }) => logFile !== null) ? logsDirectory(config) : null],
    ]),
  ].join('\n');
}
