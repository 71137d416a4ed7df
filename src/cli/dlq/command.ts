import { Option, type Command } from 'commander';
import { DEAD_LETTER_CODES, type DeadLetterCode } from '../../protocol/dead-letter.js';
import { nodeIdArgument, timeBefore } from '../terminal/arguments.js';
import { CliError, EXIT } from '../terminal/exit-codes.js';
import { withExamples } from '../terminal/help.js';
import { command as written } from '../terminal/invocation.js';
import { print, printJson } from '../terminal/output.js';
import type { LetterFilter } from './read-letters.js';

interface FilterOptions {
  readonly topic?: string;
  readonly reason?: DeadLetterCode;
  readonly node?: string;
  readonly since: Date;
  readonly json?: true;
}

/** The dead letters: what could not be understood or applied. */
export function dlqCommand(program: Command): void {
  const dlq = program.command('dlq').description('The dead letters: records that could not be used, and why.');
  filtered(dlq.command('list').description('Dead letters, oldest first, each with its reason.')).action(
    async (options: FilterOptions) => {
      const { letters } = await loaded(options);
      const { letterJson, lettersText } = await import('./letters-text.js');
      if (options.json === true) printJson({ ...letters, letters: letters.letters.map(letterJson) });
      else print(lettersText(letters));
    },
  );
  filtered(
    dlq
      .command('show')
      .description('One dead letter whole: its bytes, key, headers and reason.')
      .argument('<id>', 'as in the list; or topic-partition-offset of its original, or its message id'),
  ).action(async (id: string, options: FilterOptions) => {
    const { found } = await loaded(options, [id]);
    const { letterJson, letterText } = await import('./letters-text.js');
    for (const letter of found) {
      if (options.json === true) printJson(letterJson(letter));
      else print(letterText(letter));
    }
  });
  filtered(
    dlq
      .command('replay')
      .description('Send the originals to their topics again: the same bytes, key and headers, in order.')
      .argument('[ids...]', 'as for show; without: those that the filters name')
      .option('--why <text>', 'why; it stands in the history, beside your name'),
  ).action(async (ids: readonly string[], options: FilterOptions & { readonly why?: string }) => {
    if (ids.length === 0 && options.topic === undefined && options.reason === undefined && options.node === undefined)
      throw new CliError('Nothing is named to be replayed.', EXIT.usage, {
        hint: `Name ids, or filter by --topic, --reason or --node: ${written('dlq list')} shows what there is.`,
      });
    const { found, config, contracts } = await loaded(options, ids);
    const [{ replay }, { replayedText }, { askedHere, keptInHistory }] = await Promise.all([
      import('./replay.js'),
      import('./letters-text.js'),
      import('../history.js'),
    ]);
    const [only] = found.length === 1 ? found : [];
    const asked = { ...askedHere(options.why), action: 'replay dead letters', node_id: only?.node_id ?? null } as const;
    const text = await keptInHistory(config, asked, async () => {
      const result = await replay(found, config, contracts, { named: ids.length > 0, asked_by: asked });
      if (options.json === true) printJson(result);
      return replayedText(result);
    });
    if (options.json !== true) print(text);
  });
  withExamples(dlq, [
    ['dlq list --since 7d --reason invalid_field', 'who sends what nobody understands'],
    ['dlq show 0-17', 'one of them, with its bytes'],
    ['dlq replay --node node-1', 'after its fault was corrected'],
  ]);
}

function filtered(command: Command): Command {
  const codes = Object.keys(DEAD_LETTER_CODES);
  return command
    .option('--topic <topic>', 'only those read from this topic')
    .addOption(new Option('--reason <code>', 'only those with a reason of this kind').choices(codes))
    .option('--node <node_id>', 'only those about this node', nodeIdArgument)
    .option('--since <time>', 'only newer ones: 90s, 15m, 2h, 7d, or a time', timeBefore, timeBefore('1d'))
    .option('--json', 'the same as JSON, on stdout');
}

async function loaded({ topic, reason, node, since }: FilterOptions, ids: readonly string[] = []) {
  const [{ readLetters }, { isNamed }, { loadConfig }, { loadContracts }] = await Promise.all([
    import('./read-letters.js'),
    import('./named.js'),
    import('../../config/index.js'),
    import('../../contracts/load.js'),
  ]);
  const config = loadConfig();
  const contracts = loadContracts(config.contractsDir);
  const filter: LetterFilter = {
    since,
    ...(topic === undefined ? {} : { topic }),
    ...(reason === undefined ? {} : { code: reason }),
    ...(node === undefined ? {} : { node_id: node }),
  };
  const letters = await readLetters(config, contracts, filter);
  const missing = ids.filter((id) => !letters.letters.some((letter) => isNamed(letter, id)));
  if (missing.length > 0)
    throw new CliError(`No dead letter ${missing.join(', ')} since ${since.toISOString()}.`, EXIT.notFound, {
      hint: `Older ones: --since 7d. What there is: ${written('dlq list')}`,
    });
  const found = letters.letters.filter((letter) => ids.length === 0 || ids.some((id) => isNamed(letter, id)));
  return { letters, found, config, contracts };
}
