import type { Command } from 'commander';
import { withExamples } from '../terminal/help.js';
import { nodeId } from '../terminal/arguments.js';
import { print } from '../terminal/output.js';

export function retryCommand(program: Command): void {
  const command = program
    .command('retry')
    .description(
      'Register a node again by its last introspection, as a new attempt: after it was rejected, and the cause ' +
        'is gone. An active node is repaired: its Consul registration and its registry row are written again.',
    )
    .argument('<node_id>', 'the node', nodeId)
    .action(async (id: string) => {
      const [{ retriedText, retryNode }, { loadConfig }] = await Promise.all([
        import('./retry-node.js'),
        import('../../config.js'),
      ]);
      print(retriedText(id, await retryNode(id, loadConfig())));
    });
  withExamples(command, [
    ['retry node-1', 'a new attempt with its last introspection'],
    ['retry node-1', 'an active node that Consul has lost is found again'],
  ]);
}
