import type { Command } from 'commander';
import { withExamples } from '../terminal/help.js';
import { print, printJson } from '../terminal/output.js';

export function brakeCommand(program: Command): void {
  const brake = program
    .command('brake')
    .description('Show the brake on expiry: nobody expires while too much of the fleet is gone at once.')
    .option('--json', 'the same as JSON, on stdout')
    .action(async (options: { json?: boolean }) => {
      const [{ brakeText, lookAtBrake }, { loadConfig }] = await Promise.all([
        import('./self-preservation.js'),
        import('../../config.js'),
      ]);
      const report = await lookAtBrake(loadConfig());
      if (options.json === true) printJson(report);
      else print(brakeText(report));
    });
  withExamples(brake, [
    ['brake', 'does it hold, since when, until when at the latest, and for how many nodes?'],
    ['brake --json | jq .held', 'for programs'],
    ['brake release', 'these nodes are really gone: let them expire'],
  ]);

  const release = brake
    .command('release')
    .description('Release the brake: whoever is not heard of again expires. The next mass failure is held again.')
    .action(async () => {
      const [{ release: releaseIt }, { goneOf }, { loadConfig }] = await Promise.all([
        import('./self-preservation.js'),
        import('../../registry/leases/self-preservation-words.js'),
        import('../../config.js'),
      ]);
      const before = await releaseIt(loadConfig());
      print(
        `The brake is released: of ${goneOf(before)} that were gone, those that are not heard of again expire within a window.`,
      );
    });
  withExamples(release, [['brake release', 'a data centre was switched off on purpose']]);
}
