import type { Command } from 'commander';
import { CliError, EXIT } from '../terminal/exit-codes.js';
import { withExamples } from '../terminal/help.js';
import { print } from '../terminal/output.js';
import { waitingFor } from '../terminal/waiting.js';

export function wipeCommand(program: Command): void {
  const command = program
    .command('wipe')
    .description("Remove the data of the embedded servers: the registry, Temporal's histories, Kafka's topics.")
    .option('-y, --yes', 'do not ask')
    .action(async (options: { yes?: boolean }) => {
      const [{ wipe }, { loadConfig }] = await Promise.all([
        import('../../stack/index.js'),
        import('../../config/index.js'),
      ]);
      const { dataDir } = loadConfig();
      if (options.yes !== true && !(await confirmed(`Remove ${dataDir} with everything in it? [y/N] `))) {
        throw new CliError('Nothing was removed.', EXIT.failed);
      }
      const wiped = await waitingFor(`${dataDir} to be removed`, () => wipe(dataDir));
      print(wiped ? `${dataDir} is gone.` : `There was nothing: ${dataDir} does not exist.`);
    });
  withExamples(command, [
    ['wipe', 'asks first'],
    ['wipe --yes', 'for scripts'],
  ]);
}

async function confirmed(question: string): Promise<boolean> {
  if (!process.stdin.isTTY)
    throw new CliError('This is no terminal, so nobody can be asked whether to remove it.', EXIT.usage, {
      hint: 'Give --yes.',
    });
  const { createInterface } = await import('node:readline/promises');
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await prompt.question(question)).trim());
  } finally {
    prompt.close();
  }
}
