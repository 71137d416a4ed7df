import type { Command } from 'commander';
import { startChild } from '../processes/children.js';
import { withExamples } from '../terminal/help.js';

export function upCommand(program: Command): void {
  const command = program
    .command('up')
    .description('Start the servers that the environment does not give, then worker and bridge; run until stopped.')
    .option('--no-stack', 'start no server: use those of the configuration')
    .action(async (options: { stack: boolean }) => {
      // Begun before anything else is loaded: they load their own code meanwhile.
      const children = [startChild('worker', 'inherit'), startChild('bridge', 'inherit')] as const;
      const { runUp } = await import('./run-up.js');
      await runUp(children, options.stack);
    });
  withExamples(command, [
    ['up', 'everything on this machine, until Ctrl-C'],
    ['KAFKA_BROKERS=kafka:9092 registrar up', 'with a Kafka of yours, the rest on this machine'],
    ['up --no-stack', 'only worker and bridge, against servers that run'],
  ]);
}
