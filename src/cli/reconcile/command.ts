import type { Command } from 'commander';
import { EXIT } from '../terminal/exit-codes.js';
import { withExamples } from '../terminal/help.js';
import { print, printJson } from '../terminal/output.js';
import { waitingFor } from '../terminal/waiting.js';

export function reconcileCommand(program: Command): void {
  const command = program
    .command('reconcile')
    .description(
      'Compare Consul with the registry once, and mend what differs twice within seconds. A bridge does the same ' +
        'again and again.',
    )
    .option('--dry-run', 'only show what differs')
    .option('--json', 'the same as JSON, on stdout')
    .action(async (options: { dryRun?: boolean; json?: boolean }) => {
      const [{ reconcileOnce }, { reconciliationText }, { loadConfig }] = await Promise.all([
        import('./reconcile-once.js'),
        import('./reconciliation-text.js'),
        import('../../config/index.js'),
      ]);
      const done = await waitingFor('Consul and the registry to be compared', () =>
        reconcileOnce(loadConfig(), options.dryRun === true),
      );
      if (options.json === true) printJson(done);
      else print(reconciliationText(done, options.dryRun === true));
      if (done.mended.some(({ outcome }) => outcome === 'failed' || outcome === 'held')) process.exitCode = EXIT.failed;
    });
  withExamples(command, [
    ['reconcile --dry-run', 'what differs, and nothing is changed'],
    ['reconcile', 'Consul was wiped: its nodes are found again'],
    ["reconcile --json | jq '.mended[] | {node_id, kind, outcome}'", 'for programs'],
  ]);
}
