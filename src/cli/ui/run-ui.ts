import type { Config } from '../../config/index.js';
import { busyWhile } from '../../stack/busy-line.js';
import { logger } from '../../telemetry.js';
import { untilStopped } from '../processes/stopping.js';
import { log, print } from '../terminal/output.js';
import { ensurePage } from './page-build.js';
import { startUi, type UiOptions } from './start-ui.js';

/** Serves the fleet page until the process is stopped. */
export async function runUi(config: Config, options: UiOptions): Promise<void> {
  const stopping = untilStopped();
  const server = await busyWhile('preparing the fleet page', async () => {
    await ensurePage(() => log('The fleet page is being built, which takes seconds.'));
    return startUi(config, options, logger('ui'));
  });
  print(`The fleet page: ${server.url}${options.actions ? '' : ' (to look at; --allow-actions lets people act)'}`);
  await stopping.requested;
  await server.close();
}
