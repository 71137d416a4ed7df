import type { Command } from 'commander';
import { CliError, EXIT } from '../terminal/exit-codes.js';
import { withExamples } from '../terminal/help.js';
import { nodeIdArgument } from '../terminal/arguments.js';
import { log, print, printJson } from '../terminal/output.js';

export function statusCommand(program: Command): void {
  const command = program
    .command('status')
    .description('Explain one node: from its running workflow, else from the registry, else from the dead letters.')
    .argument('<node_id>', 'the node', nodeIdArgument)
    .option('--json', 'the same as JSON, on stdout')
    .action(async (id: string, options: { json?: boolean }) => {
      const [
        { explainNode },
        { askedText, banLine, conflictText, keyText, nodeLettersText, reportText },
        { loadConfig },
      ] = await Promise.all([import('./explain-node.js'), import('./report-text.js'), import('../../config/index.js')]);
      const config = loadConfig();
      const { report, conflicts, ban, key, asked, letters, unasked, introspection_topic, contract } = await explainNode(
        id,
        config,
      );
      for (const error of unasked) log(`(not asked: ${error.message})`);
      if (report !== null && options.json === true)
        return printJson({ ...report, conflicts, ban, key, asked, dead_letters: letters });
      if (report !== null) {
        const about = [...conflicts.map(conflictText), ...(ban === null ? [] : [banLine(ban)])];
        if (key !== null) about.push(keyText(id, key));
        if (asked.length > 0) about.push(askedText(asked));
        print([reportText(report, contract, { isBanned: ban !== null }), ...about].join('\n\n'));
        if (letters !== null && letters.letters.length > 0) print(`\n${nodeLettersText(letters)}`);
        return;
      }
      if (ban !== null && options.json !== true) return print(banLine(ban));
      if (options.json === true)
        printJson({
          source: null,
          node_id: id,
          ban,
          key,
          introspection_topic,
          unasked: unasked.map(({ message }) => message),
        });
      const [first] = unasked;
      if (first !== undefined)
        throw new CliError(`Whether node ${id} is known is uncertain: not every source answers.`, EXIT.unreachable, {
          ...(first.hint === undefined ? {} : { hint: first.hint }),
        });
      throw new CliError(`Node ${id} was never seen on topic ${introspection_topic}.`, EXIT.notFound, {
        hint:
          'Does the node send to this topic and this broker? What could not be read would be in the dead letters; ' +
          'it is not there either.',
      });
    });
  withExamples(command, [
    ['status node-1', 'where the node stands, what it waits for, what comes next, and its history'],
    ['status node-1 --json | jq .state', 'only the state'],
  ]);
}
