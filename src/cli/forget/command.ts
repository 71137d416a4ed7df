import type { Command } from 'commander';
import { actOnNode } from '../act-on-node.js';
import { REASON } from '../terminal/arguments.js';
import { withExamples } from '../terminal/help.js';

export function forgetCommand(program: Command): void {
  const command = program
    .command('forget')
    .description(
      'Delete what is held of a node whose registration has ended: its registry row, its lease and what is left in ' +
        'Consul. By itself that happens after the time of retention. What people asked for stays, and so does a ban.',
    )
    .option(...REASON);
  actOnNode(command, 'forget', async () => (await import('./forget-node.js')).forgetNode);
  withExamples(command, [['forget node-1', 'a node that will not come back']]);
}
