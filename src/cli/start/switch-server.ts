import { loadConfig } from '../../config/index.js';
import { askOwner, type ServerName } from '../../stack/index.js';
import { runningState } from '../../stack/state/state.js';
import { CliError, EXIT } from '../terminal/exit-codes.js';
import { command } from '../terminal/invocation.js';
import { waitingFor } from '../terminal/waiting.js';

/** Stops or starts one server of the stack that runs in another terminal. */
export async function switchServer(action: 'stop' | 'start', server: ServerName): Promise<string> {
  const { dataDir } = loadConfig();
  if (runningState(dataDir) === undefined) {
    throw new CliError(
      `No servers of ours run on ${dataDir}, so ${server} cannot be ${action === 'stop' ? 'stopped' : 'started'}.`,
      EXIT.unreachable,
      {
        hint:
          `Start them with '${command('up')}' or '${command('demo')}'; another directory is named by ` +
          'REGISTRAR_DATA_DIR.',
      },
    );
  }
  const { servers } = await waitingFor(`${server} to ${action}`, () => askOwner(dataDir, { action, server }));
  const { state, address } = servers[server];
  return `${server} is ${state} (${address})`;
}
