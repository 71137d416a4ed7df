import type { Command } from 'commander';
import { EXIT } from '../terminal/exit-codes.js';
import { withExamples } from '../terminal/help.js';
import { print, printJson } from '../terminal/output.js';
import { waitingFor } from '../terminal/waiting.js';

export function doctorCommand(program: Command): void {
  const command = program
    .command('doctor')
    .description(
      'Look at every connection and at what must be behind it; show what is wrong and what to do. Changes nothing.',
    )
    .option('--json', 'the same as JSON, on stdout')
    .action(async (options: { json?: boolean }) => {
      const [{ diagnose }, { diagnosisText }, { loadConfig }] = await Promise.all([
        import('./diagnose.js'),
        import('./diagnosis-text.js'),
        import('../../config/index.js'),
      ]);
      const diagnosis = await waitingFor('every connection to be checked', () => diagnose(loadConfig()));
      if (options.json === true) printJson(diagnosis);
      else print(diagnosisText(diagnosis));
      if (!diagnosis.ok) process.exitCode = EXIT.unreachable;
    });
  withExamples(command, [
    ['doctor', 'Temporal, Kafka, Consul, PostgreSQL, the contracts, worker and bridge'],
    ["doctor --json | jq '.checks[] | select(.ok | not)'", 'only what is wrong'],
  ]);
}
