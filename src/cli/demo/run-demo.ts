import { join } from 'node:path';
import { pino } from 'pino';
import type { Config } from '../../config/index.js';
import type { Contracts } from '../../contracts/load.js';
import { simulateFleet, type Fleet, type NodeChange } from '../../node/index.js';
import { progressReporter } from '../../stack/index.js';
import type { Child } from '../processes/children.js';
import { commandStart } from '../processes/command-start.js';
import { untilStopped } from '../processes/stopping.js';
import { nodeTopicTemplates } from '../setup/all-topics.js';
import { errorText } from '../../error-text.js';
import { CliError, EXIT } from '../terminal/exit-codes.js';
import { startPage, type PageBeside } from '../ui/page-beside.js';
import { startRegistrar, type Registrar } from '../up/registrar.js';
import type { DemoOptions } from './options.js';
import { Demo } from './demo.js';
import { createScreen } from './screen.js';

/** The whole demo: everything up, the fleet, and everything down again. */
export async function runDemo(options: DemoOptions, children: readonly Child[]): Promise<void> {
  const began = commandStart();
  const stream = options.json === true ? process.stderr : process.stdout;
  const screen = createScreen(stream);
  const stopping = untilStopped();
  const progress = progressReporter(stream);
  let fleet: Fleet | undefined;
  const listener = { onChange: (_change: NodeChange): void => undefined };
  let registrar: Registrar;
  let page: Promise<PageBeside> | undefined;
  const servePage = (config: Config): Promise<PageBeside> => {
    const print = (text: string): void => screen.print(text);
    return (page ??= startPage(config, { actions: options.allowActions === true, print }));
  };
  try {
    registrar = await startRegistrar({
      children,
      ownServers: true,
      onProgress: progress.onProgress,
      signal: stopping.signal,
      // The fleet's connection is made while worker and bridge begin, and the page of somebody who looks.
      onPrepared: (config, contracts) => {
        if (options.exit !== true) void servePage(config);
        fleet = createFleet(options.nodes, config, contracts, (change) => listener.onChange(change));
        fleet.hub.open().catch((error: unknown) => screen.print(`The fleet cannot listen yet: ${errorText(error)}`));
      },
    });
  } catch (error) {
    await fleet?.stop({ timeoutMs: 500 });
    await (await page)?.close();
    if (stopping.signal.aborted)
      throw new CliError('Stopped before everything was up.', EXIT.interrupted, { cause: error });
    throw error;
  } finally {
    progress.stop();
  }
  if (fleet === undefined) throw new Error('the fleet was not made');
  const { config } = registrar;
  const demo = new Demo({ options, fleet, registrar, screen, page: () => servePage(config), stopping, began });
  listener.onChange = (change) => demo.note(change);
  try {
    await demo.run();
  } finally {
    await (await page)?.close();
    await demo.close();
  }
}

function createFleet(
  nodes: number,
  config: Config,
  contracts: Contracts,
  onChange: (change: NodeChange) => void,
): Fleet {
  return simulateFleet({
    nodes,
    ...config.kafka,
    env: config.env,
    namespace: config.namespace,
    topics: nodeTopicTemplates(contracts),
    // Its log lines would tear the live table apart.
    logger: pino(
      { level: process.env.LOG_LEVEL ?? 'info', base: null },
      pino.destination({ dest: join(config.dataDir, 'logs', 'fleet.log'), mkdir: true, sync: false }),
    ),
    onChange,
  });
}
