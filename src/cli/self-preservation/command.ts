import type { Command } from 'commander';
import { withExamples } from '../terminal/help.js';
import { REASON, type ReasonOption } from '../terminal/arguments.js';
import { print, printJson } from '../terminal/output.js';

export function selfPreservationCommand(program: Command): void {
  const show = program
    .command('self-preservation')
    .description('Show self-preservation: nobody expires while too much of the fleet is gone at once.')
    .option('--json', 'the same as JSON, on stdout')
    .action(async (options: { json?: boolean }) => {
      const [{ selfPreservationText, showSelfPreservation }, { loadConfig }] = await Promise.all([
        import('./report.js'),
        import('../../config/index.js'),
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
    .option(...REASON)
    .action(async ({ reason }: ReasonOption) => {
      const [{ release: releaseIt, releasedText }, { askedHere, keptInHistory }, { loadConfig }] = await Promise.all([
        import('./report.js'),
        import('../history.js'),
        import('../../config/index.js'),
      ]);
      const config = loadConfig();
      const asked = { ...askedHere(reason), action: 'release self-preservation', node_id: null } as const;
      print(await keptInHistory(config, asked, async () => releasedText(await releaseIt(config, asked))));
    });
  withExamples(release, [['self-preservation release', 'a data centre was switched off on purpose']]);
}
