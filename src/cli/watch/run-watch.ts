import { setTimeout as delay } from 'node:timers/promises';
import { loadContracts } from '../../contracts/load.js';
import type { Config } from '../../config/index.js';
import { contractView } from '../../server/contract/view.js';
import { LiveFleet } from '../../server/fleet/live-fleet.js';
import { busyWhile } from '../../stack/busy-line.js';
import { hasCode } from '../../stack/state/errors.js';
import { logger } from '../../telemetry.js';
import { openSources } from '../open-sources.js';
import { untilStopped } from '../processes/stopping.js';
import { print } from '../terminal/output.js';
import { statesOf } from '../terminal/states.js';
import { eventText } from './event-text.js';
import { lineScreen, liveScreen } from './screen.js';
import { Watch } from './watch.js';

export interface RunWatchOptions {
  /** null: the whole fleet. */
  readonly only: ReadonlySet<string> | null;
  readonly json: boolean;
}

const LOOK_EVERY_MS = 1_000;
/** A server that does not answer may keep its connection open for longer. */
const CLOSE_WITHIN_MS = 2_000;

/** Watches the fleet until somebody stops it, or nobody reads any more. Servers that go away are waited for. */
export async function runWatch(config: Config, { only, json }: RunWatchOptions): Promise<void> {
  const contracts = loadContracts(config.contractsDir);
  const states = statesOf(contracts.compiled);
  const stopping = untilStopped();
  const ended = new AbortController();
  const end = (): void => ended.abort();
  void stopping.requested.then(end);
  process.stdout.on('error', (error) => {
    // `watch | head` has read enough.
    if (hasCode(error, 'EPIPE')) end();
  });
  const screen = json
    ? lineScreen((event) => print(JSON.stringify(event)))
    : process.stdout.isTTY
      ? liveScreen(process.stdout, states)
      : lineScreen((event) => print(eventText(event, states)));
  const { sources, registryPlace, close } = await busyWhile('looking at the servers', () =>
    openSources(config, contracts, logger('watch')),
  );
  const registryTodo = `Look at the database server at ${registryPlace}.`;
  const fleet = new LiveFleet(sources, contractView(contracts, config), { registryTodo });
  const watch = new Watch({ fleet, sources, screen, states, only });
  fleet.start();
  while (!ended.signal.aborted) {
    await watch.look();
    // Cut short by the end.
    await delay(LOOK_EVERY_MS, undefined, { signal: ended.signal }).catch(() => undefined);
  }
  screen.end();
  const closed = fleet
    .close()
    .then(() => sources.close())
    .then(close);
  await Promise.race([closed, delay(CLOSE_WITHIN_MS)]);
}
