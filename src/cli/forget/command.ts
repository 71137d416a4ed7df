import type { Command } from 'commander';
import { withExamples } from '../terminal/help.js';
import { nodeId, REASON, type ReasonOption } from '../terminal/arguments.js';
import { print } from '../terminal/output.js';

export function forgetCommand(program: Command): void {
  const command = program
    .command('forget')
    .description(
      'Delete what is held of a node whose registration has ended: its registry row, its lease and what is left in ' +
        'Consul. By itself that happens after the time of retention. What people asked for stays, and so does a ban.',
    )
    .argument('<node_id>', 'the node', nodeId)
    .option(...REASON)
    .action(async (id: string, { reason }: ReasonOption) => {
      const [{ forgetNode }, { askedHere, keptInHistory }, { loadConfig }] = await Promise.all([
        import('./forget-node.js'),
        import('../history.js'),
        import('../../config/index.js'),
      ]);
      const config = loadConfig();
      const asked = { ...askedHere(reason), action: 'forget', node_id: id } as const;
      print(await keptInHistory(config, asked, () => forgetNode(id, config)));
    });
  withExamples(command, [['forget node-1', 'a node that will not come back']]);
}
