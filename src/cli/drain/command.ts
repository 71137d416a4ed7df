import type { Command } from 'commander';
import { withExamples } from '../terminal/help.js';
import { nodeId, REASON, type ReasonOption } from '../terminal/arguments.js';
import { print } from '../terminal/output.js';

export function drainCommand(program: Command): void {
  withExamples(
    wish(
      program,
      'drain',
      'Take a node out of discovery: others do not find it any more, and it stays registered and alive. It lasts as ' +
        'long as the registration attempt: a node that starts again is a new one.',
    ),
    [['drain node-1 --reason "a new disk"', 'before its work is moved, or it is stopped']],
  );
}

export function undrainCommand(program: Command): void {
  withExamples(wish(program, 'undrain', 'Let others find a drained node again.'), [
    ['undrain node-1', 'it is as it was before'],
  ]);
}

function wish(program: Command, name: 'drain' | 'undrain', description: string): Command {
  return program
    .command(name)
    .description(description)
    .argument('<node_id>', 'the node', nodeId)
    .option(...REASON)
    .action(async (id: string, { reason }: ReasonOption) => {
      const [{ drainNode }, { askedHere, keptInHistory }, { loadConfig }] = await Promise.all([
        import('./drain-node.js'),
        import('../history.js'),
        import('../../config/index.js'),
      ]);
      const config = loadConfig();
      const asked = { ...askedHere(reason), action: name, node_id: id } as const;
      print(await keptInHistory(config, asked, () => drainNode(name, id, config, asked)));
    });
}
