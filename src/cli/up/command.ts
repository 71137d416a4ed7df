import type { Command } from 'commander';
import { startChild } from '../processes/children.js';
import { withExamples } from '../terminal/help.js';
import type { UpOptions } from './options.js';

export function upCommand(program: Command): void {
  const command = program
    .command('up')
    .description(
      'Start the servers that the environment does not give, then worker, bridge and fleet page; run until stopped.',
    )
    .option('--no-stack', 'start no server: use those of the configuration')
    .option('--allow-actions', 'let people acknowledge, retry, release and replay from the page')
    .action(async (options: UpOptions) => {
      // A service without servers of its own is run by something that keeps its log lines; a terminal is no log.
      const where = options.stack || process.stderr.isTTY ? 'file' : 'inherit';
      // Begun before anything else is loaded: they load their own code meanwhile.
      const children = [startChild('worker', where), startChild('bridge', where)] as const;
      const { runUp } = await import('./run-up.js');
      await runUp(children, options);
    });
  withExamples(command, [
    ['up', 'everything on this machine, until Ctrl-C'],
    ['KAFKA_BROKERS=kafka:9092 registrar up', 'with a Kafka of yours, the rest on this machine'],
    ['up --no-stack', 'only worker, bridge and page, against servers that run'],
  ]);
}
