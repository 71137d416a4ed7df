import type { Argument, Command, Option } from 'commander';

/** What could stand at the cursor. */
export interface Candidate {
  readonly value: string;
  readonly description: string;
}

/** Ids that begin so. */
export type NodeIds = (prefix: string) => Promise<readonly string[]>;

/** Arguments and options with this name take the id of a node. */
const NODE_ID = 'node_id';

/**
 * What could stand where the last word stands, from the program's own table of commands.
 *
 * @param words what stands after the program's name up to the cursor; the last one is begun, or empty
 */
export async function candidatesFor(
  program: Command,
  words: readonly string[],
  nodeIds: NodeIds,
): Promise<Candidate[]> {
  const begun = words.at(-1) ?? '';
  const { command, option, position, isOver } = placeAfter(program, words.slice(0, -1));
  const all = async (): Promise<Candidate[]> => {
    if (option !== null && !(option.variadic && begun.startsWith('-')))
      return valuesOf(option, placeholderOf(option), begun, nodeIds);
    if (isOver || !begun.startsWith('-')) return [...subcommands(command, position), ...(await argumentValues())];
    const [flag = '', ...value] = begun.split('=');
    if (value.length === 0) return optionsOf(command);
    const named = command.options.find((one) => isCalled(one, flag));
    if (named === undefined) return [];
    const values = await valuesOf(named, placeholderOf(named), value.join('='), nodeIds);
    return values.map((one) => ({ ...one, value: `${flag}=${one.value}` }));
  };
  const argumentValues = async (): Promise<Candidate[]> => {
    const { registeredArguments: taken } = command;
    const last = taken.at(-1);
    const argument = taken[position] ?? (last?.variadic === true ? last : undefined);
    return argument === undefined ? [] : valuesOf(argument, argument.name(), begun, nodeIds);
  };
  return (await all()).filter(({ value }) => value.startsWith(begun));
}

interface Place {
  readonly command: Command;
  /** The option whose value comes next; null for none. */
  readonly option: Option | null;
  /** How many arguments of the command stand before. */
  readonly position: number;
  /** After "--" nothing is an option. */
  readonly isOver: boolean;
}

function placeAfter(program: Command, words: readonly string[]): Place {
  let place: Place = { command: program, option: null, position: 0, isOver: false };
  for (const word of words) place = placeAfterWord(place, word);
  return place;
}

function placeAfterWord(place: Place, word: string): Place {
  const { command, option, position, isOver } = place;
  const isFlag = !isOver && word.startsWith('-');
  if (option !== null && !(option.variadic && isFlag)) return option.variadic ? place : { ...place, option: null };
  if (isFlag && word === '--') return { ...place, option: null, isOver: true };
  if (isFlag) {
    const named = command.options.find((one) => isCalled(one, word));
    return { ...place, option: named !== undefined && (named.required || named.optional) ? named : null };
  }
  const into = position === 0 ? command.commands.find((one) => one.name() === word) : undefined;
  return into === undefined
    ? { ...place, position: position + 1 }
    : { command: into, option: null, position: 0, isOver };
}

function isCalled({ long, short }: Option, flag: string): boolean {
  return flag === long || flag === short;
}

function subcommands(command: Command, position: number): Candidate[] {
  if (position > 0) return [];
  return command
    .createHelp()
    .visibleCommands(command)
    .map((one) => ({ value: one.name(), description: firstSentence(one.description()) }));
}

function optionsOf(command: Command): Candidate[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .map(({ long, short, description }) => ({ value: long ?? short ?? '', description: firstSentence(description) }));
}

async function valuesOf(
  { argChoices, description }: Pick<Option | Argument, 'argChoices' | 'description'>,
  name: string,
  begun: string,
  nodeIds: NodeIds,
): Promise<Candidate[]> {
  if (argChoices !== undefined) return argChoices.map((value) => ({ value, description }));
  if (name !== NODE_ID) return [];
  return (await nodeIds(begun)).map((value) => ({ value, description }));
}

/** "node_id" of "--node <node_id>". */
function placeholderOf({ flags }: Option): string {
  return /[<[]([^>\]]+)[>\]]/.exec(flags)?.[1] ?? '';
}

function firstSentence(text: string): string {
  return text.split(/(?<!e\.g)[.;:] /)[0]?.replace(/\.$/, '') ?? '';
}
