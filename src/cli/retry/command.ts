import type { Command } from 'commander';
import { actOnNode } from '../act-on-node.js';
import { REASON } from '../terminal/arguments.js';
import { withExamples } from '../terminal/help.js';

export function retryCommand(program: Command): void {
  const command = program
    .command('retry')
    .description(
      'Register a node again by its last introspection, as a new attempt: after it was rejected, and the cause ' +
        'is gone. An active node is repaired: its Consul registration and its registry row are written again.',
    )
    .option(...REASON);
  actOnNode(command, 'retry', async () => {
    const { retriedText, retryNode } = await import('./retry-node.js');
    return async (id, config, asked) => retriedText(id, await retryNode(id, config, asked));
  });
  withExamples(command, [
    ['retry node-1', 'a new attempt with its last introspection'],
    ['retry node-1', 'an active node that Consul has lost is found again'],
  ]);
}
