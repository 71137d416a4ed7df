import type { Command } from 'commander';
import type { ServerName } from '../../stack/state/servers.js';
import { withExamples } from '../terminal/help.js';
import { print } from '../terminal/output.js';
import { serverArgument } from '../start/server-argument.js';

export function stopCommand(program: Command): void {
  const command = program
    .command('stop')
    .description("Stop one embedded server of 'up' or 'demo', to see what an outage does.")
    .addArgument(serverArgument())
    .action(async (server: ServerName) => {
      const { switchServer } = await import('../start/switch-server.js');
      print(await switchServer('stop', server));
    });
  withExamples(command, [
    ['stop consul', 'new nodes stay half registered: PostgreSQL has confirmed, Consul is tried again'],
    ['stop kafka', 'no message arrives, and nobody expires'],
  ]);
}
