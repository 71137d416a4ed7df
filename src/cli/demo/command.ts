import type { Command } from 'commander';
import { startChild } from '../processes/children.js';
import { withExamples } from '../terminal/help.js';
import { wholeNumber } from '../terminal/arguments.js';
import type { DemoOptions } from './options.js';

export function demoCommand(program: Command): void {
  const command = program
    .command('demo')
    .description('Everything of `up`, and a fleet of simulated nodes that speak only Kafka; watch them become ACTIVE.')
    .option('-n, --nodes <n>', 'how many nodes, of all four types in turn', wholeNumber(5_000), 10)
    .option('--exit', 'leave with 0 once all were ACTIVE and have left again in order; otherwise with the reason')
    .option('--json', 'a summary as the last line of stdout; progress goes to stderr')
    .option('--allow-actions', 'let people acknowledge, retry, release and replay from the fleet page')
    .option(
      '--timeout <seconds>',
      'how long all may take to become ACTIVE once the servers are up',
      wholeNumber(86_400),
      120,
    )
    .action(async (options: DemoOptions) => {
      // Begun before anything else is loaded: they load their own code meanwhile.
      const children = [startChild('worker', 'file'), startChild('bridge', 'file')] as const;
      const { runDemo } = await import('./run-demo.js');
      await runDemo(options, children);
    });
  withExamples(command, [
    ['demo', 'ten nodes, a live table and the fleet page, until Ctrl-C'],
    ['demo --nodes 50', 'fifty of them'],
    ['demo --exit --json', 'for scripts: a line of numbers, and an exit code'],
  ]);
}
