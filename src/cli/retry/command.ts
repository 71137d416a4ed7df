import type { Command } from 'commander';
import { withExamples } from '../terminal/help.js';
import { nodeId, REASON, type ReasonOption } from '../terminal/arguments.js';
import { print } from '../terminal/output.js';

export function retryCommand(program: Command): void {
  const command = program
    .command('retry')
    .description(
      'Register a node again by its last introspection, as a new attempt: after it was rejected, and the cause ' +
        'is gone. An active node is repaired: its Consul registration and its registry row are written again.',
    )
    .argument('<node_id>', 'the node', nodeId)
    .option(...REASON)
    .action(async (id: string, { reason }: ReasonOption) => {
      const [{ retriedText, retryNode }, { askedHere, keptInHistory }, { loadConfig }] = await Promise.all([
        import('./retry-node.js'),
        import('../history.js'),
        import('../../config/index.js'),
      ]);
      const config = loadConfig();
      const asked = { ...askedHere(reason), action: 'retry', node_id: id } as const;
      print(await keptInHistory(config, asked, async () => retriedText(id, await retryNode(id, config, asked))));
    });
  withExamples(command, [
    ['retry node-1', 'a new attempt with its last introspection'],
    ['retry node-1', 'an active node that Consul has lost is found again'],
  ]);
}
