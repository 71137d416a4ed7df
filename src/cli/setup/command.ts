import type { Command } from 'commander';
import { withExamples } from '../terminal/help.js';
import { print } from '../terminal/output.js';
import { waitingFor } from '../terminal/waiting.js';

export function setupCommand(program: Command): void {
  const command = program
    .command('setup')
    .description(
      'Prepare servers that others run: tables, topics, search attributes. Harmless when repeated; `up` does it ' +
        'by itself.',
    )
    .action(async () => {
      const [{ prepare }, { loadConfig }, { loadContracts }] = await Promise.all([
        import('./prepare-servers.js'),
        import('../../config/index.js'),
        import('../../contracts/load.js'),
      ]);
      const config = loadConfig();
      await waitingFor('the servers to be prepared', () => prepare(config, loadContracts(config.contractsDir), print));
      print('Prepared: tables, topics and search attributes are there.');
    });
  withExamples(command, [['setup', 'before the first worker and bridge run against servers of yours']]);
}
