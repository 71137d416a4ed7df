import type { Command } from 'commander';
import { EXIT_CODES_HELP } from './exit-codes.js';

/** A command line after `registrar` (or a whole one, where more stands before it), and what it does. */
export type Example = readonly [line: string, does: string];

const byCommand = new WeakMap<Command, readonly Example[]>();

/** Ends a command's help with examples and the exit codes. */
export function withExamples(command: Command, examples: readonly Example[]): Command {
  byCommand.set(command, examples);
  return command.addHelpText('after', () => `\n${exampleText(examples)}\n\n${EXIT_CODES_HELP}`);
}

/** The first example of every command, for the program's own help. */
export function firstExamples(program: Command): string {
  return exampleText(program.commands.flatMap((command) => byCommand.get(command)?.slice(0, 1) ?? []));
}

function exampleText(examples: readonly Example[]): string {
  const whole = examples.map(
    ([line, does]) => [line.includes('registrar ') ? line : `registrar ${line}`, does] as const,
  );
  const width = Math.max(...whole.map(([line]) => line.length));
  return ['Examples:', ...whole.map(([line, does]) => `  $ ${line.padEnd(width)}   # ${does}`)].join('\n');
}
