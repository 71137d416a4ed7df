import type { Command } from 'commander';
import { actOnNode } from '../act-on-node.js';
import { REASON } from '../terminal/arguments.js';
import { withExamples } from '../terminal/help.js';

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
  const command = program
    .command(name)
    .description(description)
    .option(...REASON);
  return actOnNode(command, name, async () => {
    const { drainNode } = await import('./drain-node.js');
    return (id, config, asked) => drainNode(name, id, config, asked);
  });
}
