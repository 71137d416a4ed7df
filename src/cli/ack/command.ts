import type { Command } from 'commander';
import { withExamples } from '../terminal/help.js';
import { nodeIdArgument, REASON, type ReasonOption } from '../terminal/arguments.js';
import { print, printJson } from '../terminal/output.js';

export function ackCommand(program: Command): void {
  const command = program
    .command('ack')
    .description('Acknowledge by hand that a node was accepted, through the Temporal client.')
    .argument('<node_id>', 'the node', nodeIdArgument)
    .option(...REASON)
    .option('--json', 'what became of it as JSON, on stdout')
    .action(async (id: string, { json, reason }: ReasonOption & { readonly json?: boolean }) => {
      const [{ acknowledge, acknowledgedText }, { askedHere, keptInHistory }, { loadConfig }] = await Promise.all([
        import('./acknowledge.js'),
        import('../history.js'),
        import('../../config/index.js'),
      ]);
      const config = loadConfig();
      const asked = { ...askedHere(reason), action: 'acknowledge', node_id: id } as const;
      const text = await keptInHistory(config, asked, async () => {
        const result = await acknowledge(id, config, asked);
        if (json === true) printJson(result);
        return acknowledgedText(result);
      });
      if (json !== true) print(text);
    });
  withExamples(command, [
    ['ack node-1', "acknowledge for a node that does not do it itself ('registrar node --no-ack')"],
    ['list', 'who waits for one'],
  ]);
}
