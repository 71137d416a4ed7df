import { resolve } from 'node:path';
import type { Command } from 'commander';
import { CliError, EXIT } from '../terminal/exit-codes.js';
import { withExamples } from '../terminal/help.js';
import { print } from '../terminal/output.js';

export function contractsCommand(program: Command): void {
  const contracts = program
    .command('contracts')
    .description('Check, draw, describe and try out the contracts: what decides, without any server.');
  withExamples(contracts, [['contracts check', 'is what the worker would load in order?']]);

  const check = contracts
    .command('check')
    .description(
      'Every fault of a contract directory at once, with file, line and what to change. The worker does the ' +
        'same before it starts.',
    )
    .argument('[dir]', 'the directory; by default REGISTRAR_CONTRACTS, else the shipped contracts')
    .action(async (dir: string | undefined) => {
      const { compiled } = await load(dir);
      print(
        `contracts ${compiled.version} hold together: ${Object.keys(compiled.orchestrator.states).length} ` +
          `states of ${compiled.orchestrator.name}, ${Object.keys(compiled.reducer.states).length} of ` +
          `${compiled.reducer.name}`,
      );
    });
  withExamples(check, [
    [
      'contracts check my-contracts',
      'a directory that holds only what it changes is merged into the shipped contracts',
    ],
  ]);

  const diagram = contracts
    .command('diagram')
    .description('Both state machines as Mermaid diagrams.')
    .argument('[dir]', 'the directory')
    .action(async (dir: string | undefined) => {
      const [{ compiled }, { mermaidOf }] = await Promise.all([load(dir), import('../../contracts/diagram.js')]);
      for (const machine of [compiled.reducer, compiled.orchestrator])
        print(`%% ${machine.name}\n${mermaidOf(machine)}\n`);
    });
  withExamples(diagram, [['contracts diagram', 'paste into any Mermaid viewer']]);

  const schema = contracts
    .command('schema')
    .description('Write the JSON Schemas that YAML editors complete and check contracts with.')
    .argument('[dir]', 'where to; by default beside the shipped contracts', undefined)
    .action(async (dir: string | undefined) => {
      const [{ jsonSchemas }, { SHIPPED_CONTRACTS }, { mkdirSync, writeFileSync }] = await Promise.all([
        import('../../contracts/json-schema.js'),
        import('../../contracts/load.js'),
        import('node:fs'),
      ]);
      const target = dir === undefined ? resolve(SHIPPED_CONTRACTS, 'schema') : resolve(dir);
      mkdirSync(target, { recursive: true });
      for (const [file, text] of Object.entries(jsonSchemas())) {
        writeFileSync(resolve(target, file), text);
        print(resolve(target, file));
      }
    });
  withExamples(schema, [['contracts schema', "after a change of the contracts' format"]]);

  const trace = contracts
    .command('trace')
    .description(
      'Run messages (JSON lines on stdin) through the very functions that the workflow runs, and print what ' +
        'each leads to.',
    )
    .argument('[dir]', 'the directory')
    .action(async (dir: string | undefined) => {
      const [{ compiled }, { traceLines }] = await Promise.all([load(dir), import('./trace-lines.js')]);
      await traceLines(compiled, process.stdin, print);
    });
  withExamples(trace, [
    ['contracts trace < messages.jsonl', 'one line of states, events and intents for each message'],
    [
      `echo '{"at":"2026-01-01T00:00:00Z","message":"introspection"}' | registrar contracts trace`,
      'what an introspection leads to',
    ],
  ]);
}

async function load(dir: string | undefined) {
  const [{ ContractError, loadContracts }, { loadConfig }] = await Promise.all([
    import('../../contracts/load.js'),
    import('../../config/index.js'),
  ]);
  try {
    return loadContracts(dir === undefined ? loadConfig().contractsDir : resolve(dir));
  } catch (error) {
    if (!(error instanceof ContractError)) throw error;
    throw new CliError(
      `${error.faults.length} ${error.faults.length === 1 ? 'fault' : 'faults'} in the contracts:\n${error.message}`,
      EXIT.failed,
      { cause: error },
    );
  }
}
