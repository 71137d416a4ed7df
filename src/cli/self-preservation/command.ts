import type { Command } from 'commander';
import { withExamples } from '../terminal/help.js';
import { print, printJson } from '../terminal/output.js';

export function selfPreservationCommand(program: Command): void {
  const show = program
    .command('self-preservation')
    .description('Show self-preservation: nobody expires while too much of the fleet is gone at once.')
    .option('--json', 'the same as JSON, on stdout')
    .action(async (options: { json?: boolean }) => {
      const [{ selfPreservationText, showSelfPreservation }, { loadConfig }] = await Promise.all([
        import('./report.js'),
        import('../../config.js'),
      ]);
      const report = await showSelfPreservation(loadConfig());
      if (options.json === true) printJson(report);
      else print(selfPreservationText(report));
    });
  withExamples(show, [
    ['self-preservation', 'does it hold, since when, until when at the latest, and for how many nodes?'],
    ['self-preservation --json | jq .held', 'for programs'],
    ['self-preservation release', 'these nodes are really gone: let them expire'],
  ]);

  const release = show
    .command('release')
    .description('Release it: nodes that stay silent expire. It holds again at the next mass failure.')
    .action(async () => {
      const [{ release: releaseIt }, { goneOf }, { loadConfig }] = await Promise.all([
        import('./report.js'),
        import('../../registry/leases/self-preservation-words.js'),
        import('../../config.js'),
      ]);
      const before = await releaseIt(loadConfig());
      print(
        `Self-preservation is released: of ${goneOf(before)} that were gone, those that stay silent expire ` +
          'within a lease duration.',
      );
    });
  withExamples(release, [['self-preservation release', 'a data centre was switched off on purpose']]);
}
