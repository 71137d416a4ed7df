import type { Command } from 'commander';
import type { Config } from '../config/index.js';
import type { AskedBy } from '../protocol/asked-by.js';
import type { AskedAction } from '../registry/operator-actions.js';
import { nodeIdArgument, type ReasonOption } from './terminal/arguments.js';
import { print } from './terminal/output.js';

/** What a person may do to a node; answers what became of it, in a sentence. */
type Act<Options> = (node_id: string, config: Config, asked: AskedBy, options: Options) => Promise<string>;

/**
 * Gives a command its node, and does what it asks for. Who, why and what became of it are kept in the node's history.
 *
 * @param action as the history has it
 * @param load loads what does the work, when it is asked for
 */
export function actOnNode<Options extends object>(
  command: Command,
  action: AskedAction['action'],
  load: () => Promise<Act<Options>>,
): Command {
  return command
    .argument('<node_id>', 'the node', nodeIdArgument)
    .action(async (node_id: string, options: Options & ReasonOption) => {
      const [act, { askedHere, keptInHistory }, { loadConfig }] = await Promise.all([
        load(),
        import('./history.js'),
        import('../config/index.js'),
      ]);
      const config = loadConfig();
      const asked = { ...askedHere(options.reason), action, node_id };
      print(await keptInHistory(config, asked, () => act(node_id, config, asked, options)));
    });
}
