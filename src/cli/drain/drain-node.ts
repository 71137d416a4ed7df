import type { Config } from '../../config/index.js';
import type { AskedBy } from '../../protocol/asked-by.js';
import { readRegistryRow } from '../../registry/rows/read-registry-row.js';
import { DRAIN, UNDRAIN } from '../../../workflows/messages.js';
import { whereAfter } from '../after-command.js';
import { commandRun, unknownNodeError } from '../command-run.js';
import { withRegistry, withTemporal } from '../connect.js';
import { CliError, EXIT } from '../terminal/exit-codes.js';
import { command } from '../terminal/invocation.js';

const WISHES = {
  drain: {
    request: DRAIN,
    words: { named: 'the drain', refused: 'is not drained' },
    done: (node_id: string) =>
      'others do not find it any more, and it stays registered and alive, ' +
      `until '${command(`undrain ${node_id}`)}' or its next start`,
  },
  undrain: {
    request: UNDRAIN,
    words: { named: 'the undrain', refused: 'is not found again' },
    done: () => 'others find it again',
  },
} as const;

/**
 * Takes a node out of discovery, or lets others find it again. A run that is gone is started again from the registry
 * row.
 *
 * @param asked who and why stand in the node's history, in its row and in what is published
 * @returns what became of it, in a sentence
 * @throws CliError when nobody knows the node, its attempt has ended, or its run refuses
 */
export async function drainNode(
  wish: keyof typeof WISHES,
  node_id: string,
  config: Config,
  { who, why }: AskedBy,
): Promise<string> {
  const { request, words, done } = WISHES[wish];
  const row = await withRegistry(config, (pool) => readRegistryRow(pool, node_id));
  if (row !== null && row.ended_at !== null)
    throw new CliError(`Node ${node_id} ${words.refused}: its registration has ended as ${row.state}.`, EXIT.failed, {
      hint: `Its next start registers it anew, as does '${command(`retry ${node_id}`)}'.`,
    });
  if (row === null) throw unknownNodeError(node_id);
  return withTemporal(config, async (client) => {
    const asked = { ...request, payload: { asked_by: { who, why } } };
    const attempt = await commandRun(client, config, { node_id, row }, asked, words);
    return `${await whereAfter(client, node_id)} (attempt ${attempt}): ${done(node_id)}.`;
  });
}
