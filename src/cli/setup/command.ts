import type { Command } from 'commander';
import { wholeNumber } from '../terminal/arguments.js';
import { withExamples } from '../terminal/help.js';
import { print } from '../terminal/output.js';
import { waitingFor } from '../terminal/waiting.js';
import type { NewTopicsOptions } from './prepare-servers.js';

export function setupCommand(program: Command): void {
  const command = program
    .command('setup')
    .description(
      'Prepare servers that others run: tables, topics, search attributes. Harmless when repeated; `up` does it ' +
        'by itself.',
    )
    .option('--partitions <count>', 'partitions of a topic that is made (default: 6)', wholeNumber(10_000))
    .option(
      '--replication-factor <count>',
      "brokers that hold each (default: the broker's own default)",
      wholeNumber(100),
    )
    .action(async (options: NewTopicsOptions) => {
      const [{ prepare }, { loadConfig }, { loadContracts }] = await Promise.all([
        import('./prepare-servers.js'),
        import('../../config/index.js'),
        import('../../contracts/load.js'),
      ]);
      const config = loadConfig();
      await waitingFor('the servers to be prepared', () =>
        prepare(config, loadContracts(config.contractsDir), print, options),
      );
      print('Prepared: tables, topics and search attributes are there.');
    });
  withExamples(command, [
    ['setup', 'before the first worker and bridge run against servers of yours'],
    ['setup --partitions 24 --replication-factor 3', 'on a cluster of Kafka'],
  ]);
}
