import type { Command } from 'commander';
import { nodeIdArgument } from '../terminal/arguments.js';
import { withExamples } from '../terminal/help.js';

export function watchCommand(program: Command): void {
  const command = program
    .command('watch')
    .description('The fleet as it changes, and what happens: a live table on a terminal, a line a change in a pipe.')
    .argument('[node_id...]', 'only these nodes', (value: string, before: readonly string[] = []) => [
      ...before,
      nodeIdArgument(value),
    ])
    .option('--json', 'a JSON object a line for each change, on stdout')
    .action(async (ids: readonly string[] | undefined, options: { json?: boolean }) => {
      const [{ runWatch }, { loadConfig }] = await Promise.all([
        import('./run-watch.js'),
        import('../../config/index.js'),
      ]);
      const only = ids === undefined || ids.length === 0 ? null : new Set(ids);
      await runWatch(loadConfig(), { only, json: options.json === true });
    });
  withExamples(command, [
    ['watch', 'everybody, until Ctrl-C'],
    ['watch mailer-1 mailer-2', 'only these two, also before they are known'],
    ['watch --json | jq -c \'select(.to == "LIVENESS_EXPIRED")\'', 'who expires, from now on'],
  ]);
}
