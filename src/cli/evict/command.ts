import type { Command } from 'commander';
import { actOnNode } from '../act-on-node.js';
import { REASON } from '../terminal/arguments.js';
import { withExamples } from '../terminal/help.js';

export function evictCommand(program: Command): void {
  const command = program
    .command('evict')
    .description(
      "End a node's registration: it leaves Consul, and its row says who did it and why. A node that lives registers " +
        'anew when it introduces itself, unless it is banned.',
    )
    .requiredOption(...REASON)
    .option('--ban', "reject whatever it sends from now on, until 'unban'; also for a node that has ended");
  actOnNode(command, 'evict', async () => (await import('./evict-node.js')).evictNode);
  withExamples(command, [
    ['evict node-1 --reason "its machine is gone"', 'without waiting for its lease to run out'],
    ['evict node-1 --reason "corrupts its queue" --ban', 'and it does not come back'],
  ]);
}

export function unbanCommand(program: Command): void {
  const command = program
    .command('unban')
    .description('Let a banned node in again, when it introduces itself.')
    .option(...REASON);
  actOnNode(command, 'unban', async () => (await import('./evict-node.js')).unbanNode);
  withExamples(command, [['unban node-1', 'its next introspection registers it']]);
}
