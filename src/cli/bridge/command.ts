import type { Command } from 'commander';
import { withExamples } from '../terminal/help.js';

export function bridgeCommand(program: Command): void {
  const command = program
    .command('bridge')
    .description('Run one bridge, which carries messages from Kafka to the workflows, until SIGTERM or Ctrl-C.')
    .action(async () => {
      const [{ runBridge }, { loadConfig }] = await Promise.all([
        import('./run-bridge.js'),
        import('../../config/index.js'),
      ]);
      await runBridge(loadConfig());
    });
  withExamples(command, [
    ['bridge', 'a bridge beside the servers that run here'],
    ['bridge', 'a second one shares the topics’ partitions with the first'],
  ]);
}
