import type { Command } from 'commander';
import { withExamples } from '../terminal/help.js';
import { nodeId, REASON } from '../terminal/arguments.js';
import { print } from '../terminal/output.js';

export function releaseKeyCommand(program: Command): void {
  const command = program
    .command('release-key')
    .description(
      "Free a node's id of the key that speaks for it: the next key that introduces itself is bound to it. For a " +
        'node whose key is lost; one that still has it hands over by itself. Old messages of the old key stay refused.',
    )
    .argument('<node_id>', 'the node', nodeId)
    .requiredOption(...REASON)
    .action(async (id: string, { reason }: { readonly reason: string }) => {
      const [{ releaseKeyOf }, { askedHere, keptInHistory }, { loadConfig }] = await Promise.all([
        import('./release-key.js'),
        import('../history.js'),
        import('../../config/index.js'),
      ]);
      const config = loadConfig();
      const asked = { ...askedHere(reason), action: 'release key', node_id: id } as const;
      print(await keptInHistory(config, asked, () => releaseKeyOf(id, config)));
    });
  withExamples(command, [['release-key node-1 --reason "its disk is gone"', 'before it comes back with a new key']]);
}
