import type { Command } from 'commander';
import { withExamples } from '../terminal/help.js';
import { nodeId } from '../terminal/arguments.js';
import { print } from '../terminal/output.js';

export function retryCommand(program: Command): void {
  const command = program
    .command('retry')
    .description(
      'Register a node again by its last introspection, as a new attempt: after it was rejected, and the cause ' +
        'is gone.',
    )
    .argument('<node_id>', 'the node', nodeId)
    .action(async (id: string) => {
      const [{ retryNode }, { loadConfig }] = await Promise.all([import('./retry-node.js'), import('../../config.js')]);
      const attempt = await retryNode(id, loadConfig());
      print(`Node ${id} is being registered again: attempt ${attempt}.`);
    });
  withExamples(command, [['retry node-1', 'a new attempt with its last introspection']]);
}
