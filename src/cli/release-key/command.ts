import type { Command } from 'commander';
import { actOnNode } from '../act-on-node.js';
import { REASON } from '../terminal/arguments.js';
import { withExamples } from '../terminal/help.js';

export function releaseKeyCommand(program: Command): void {
  const command = program
    .command('release-key')
    .description(
      "Free a node's id of the key that speaks for it: the next key that introduces itself is bound to it. For a " +
        'node whose key is lost; one that still has it hands over by itself. Old messages of the old key stay refused.',
    )
    .requiredOption(...REASON);
  actOnNode(command, 'release key', async () => (await import('./release-key.js')).releaseKeyOf);
  withExamples(command, [['release-key node-1 --reason "its disk is gone"', 'before it comes back with a new key']]);
}
