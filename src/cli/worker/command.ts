import type { Command } from 'commander';
import { withExamples } from '../terminal/help.js';

export function workerCommand(program: Command): void {
  const command = program
    .command('worker')
    .description('Run one worker, which decides and acts, until SIGTERM or Ctrl-C. Start as many as you like.')
    .action(async () => {
      const [{ runWorker }, { loadConfig }] = await Promise.all([
        import('./run-worker.js'),
        import('../../config/index.js'),
      ]);
      await runWorker(loadConfig());
    });
  withExamples(command, [
    ['worker', 'a worker beside the servers that run here'],
    ['worker 2> worker.log', 'its log lines are on stderr, JSON when that is no terminal'],
  ]);
}
