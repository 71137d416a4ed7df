import type { Command } from 'commander';
import { withExamples } from '../terminal/help.js';
import { nodeId } from '../terminal/arguments.js';
import { print, printJson } from '../terminal/output.js';

export function ackCommand(program: Command): void {
  const command = program
    .command('ack')
    .description('Acknowledge by hand that a node was accepted, through the Temporal client.')
    .argument('<node_id>', 'the node', nodeId)
    .option('--json', 'what became of it as JSON, on stdout')
    .action(async (id: string, options: { json?: boolean }) => {
      const [{ acknowledge }, { loadConfig }] = await Promise.all([
        import('./acknowledge.js'),
        import('../../config.js'),
      ]);
      const result = await acknowledge(id, loadConfig());
      if (options.json === true) printJson(result);
      else print(`${id} is ${result.state}: ${result.what}`);
    });
  withExamples(command, [
    ['ack node-1', "acknowledge for a node that does not do it itself ('registrar node --no-ack')"],
    ['list', 'who waits for one'],
  ]);
}
