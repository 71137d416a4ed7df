import type { Command } from 'commander';
import { withExamples } from '../terminal/help.js';
import { nodeId, REASON, type ReasonOption } from '../terminal/arguments.js';
import { print } from '../terminal/output.js';

interface Options {
  readonly reason: string;
  readonly ban?: boolean;
}

export function evictCommand(program: Command): void {
  const command = program
    .command('evict')
    .description(
      "End a node's registration: it leaves Consul, and its row says who did it and why. A node that lives registers " +
        'anew when it introduces itself, unless it is banned.',
    )
    .argument('<node_id>', 'the node', nodeId)
    .requiredOption(...REASON)
    .option('--ban', "reject whatever it sends from now on, until 'unban'; also for a node that has ended")
    .action(async (id: string, { reason, ban }: Options) => {
      const [{ evictNode }, { askedHere, keptInHistory }, { loadConfig }] = await Promise.all([
        import('./evict-node.js'),
        import('../history.js'),
        import('../../config/index.js'),
      ]);
      const config = loadConfig();
      const asked = { ...askedHere(reason), action: 'evict', node_id: id } as const;
      print(await keptInHistory(config, asked, () => evictNode(id, config, asked, { ban: ban === true })));
    });
  withExamples(command, [
    ['evict node-1 --reason "its machine is gone"', 'without waiting for its lease to run out'],
    ['evict node-1 --reason "corrupts its queue" --ban', 'and it does not come back'],
  ]);
}

export function unbanCommand(program: Command): void {
  const command = program
    .command('unban')
    .description('Let a banned node in again, when it introduces itself.')
    .argument('<node_id>', 'the node', nodeId)
    .option(...REASON)
    .action(async (id: string, { reason }: ReasonOption) => {
      const [{ unbanNode }, { askedHere, keptInHistory }, { loadConfig }] = await Promise.all([
        import('./evict-node.js'),
        import('../history.js'),
        import('../../config/index.js'),
      ]);
      const config = loadConfig();
      const asked = { ...askedHere(reason), action: 'unban', node_id: id } as const;
      print(await keptInHistory(config, asked, () => unbanNode(id, config)));
    });
  withExamples(command, [['unban node-1', 'its next introspection registers it']]);
}
