import { InvalidArgumentError, type Command } from 'commander';
import { withExamples } from '../terminal/help.js';

const DEPLOYMENT = 'node-registrar';

interface WorkerOptions {
  readonly version?: string;
  readonly deployment: string;
}

/** Temporal writes "deployment:build" and, before, "deployment.build". */
function deploymentName(value: string): string {
  if (!/^[A-Za-z0-9_-]{1,128}$/.test(value)) throw new InvalidArgumentError('Give 1 to 128 letters, digits, _ and -.');
  return value;
}

function versionName(value: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._+-]{0,127}$/.test(value))
    throw new InvalidArgumentError('Give 1 to 128 letters, digits or any of . _ + -, for example 2.1.0 or a commit.');
  return value;
}

export function workerCommand(program: Command): void {
  const command = program
    .command('worker')
    .description('Run one worker, which decides and acts, until SIGTERM or Ctrl-C. Start as many as you like.')
    .option('--version <build>', "its version for Temporal's Worker Versioning (default: it has none)", versionName)
    .option('--deployment <name>', 'the name under which Temporal keeps these versions', deploymentName, DEPLOYMENT)
    .action(async ({ version, deployment }: WorkerOptions) => {
      const [{ runWorker }, { loadConfig }] = await Promise.all([
        import('./run-worker.js'),
        import('../../config/index.js'),
      ]);
      const deployed = version === undefined ? undefined : { deploymentName: deployment, buildId: version };
      await runWorker(loadConfig(), undefined, deployed);
    });
  withExamples(command, [
    ['worker', 'a worker beside the servers that run here'],
    ['worker --version 2.1.0', 'gets runs when you make 2.1.0 the current version: docs/production.md'],
    ['worker 2> worker.log', 'its log lines are on stderr, JSON when that is no terminal'],
  ]);
}
