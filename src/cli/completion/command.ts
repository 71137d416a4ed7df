import { Argument, type Command } from 'commander';
import { withExamples } from '../terminal/help.js';
import { print } from '../terminal/output.js';
import { VALUE_KINDS, SHELLS, type Shell } from './scripts.js';

export function completionCommand(program: Command): void {
  const command = program
    .command('completion')
    .description('Print what completes commands, options and node ids in your shell.')
    .addArgument(new Argument('<shell>', 'your shell').choices(SHELLS))
    .argument('[words...]', 'asked by that script at each tab, after "--": what could stand where the last word stands')
    .action(async (shell: Shell, words: readonly string[]) => {
      const { script, line } = VALUE_KINDS[shell];
      if (words.length === 0) return print(script);
      const [{ candidatesFor }, { nodeIdsOfRegistry }] = await Promise.all([
        import('./candidates.js'),
        import('./node-ids.js'),
      ]);
      const candidates = await candidatesFor(program, words, nodeIdsOfRegistry);
      if (candidates.length > 0) print(candidates.map(line).join('\n'));
    });
  withExamples(command, [
    ['completion bash >> ~/.bashrc', 'for every bash from now on'],
    ['source <(registrar completion zsh)', 'in this zsh, or in ~/.zshrc after compinit'],
    ['registrar completion fish | source', 'in this fish, or in ~/.config/fish/config.fish'],
  ]);
}
