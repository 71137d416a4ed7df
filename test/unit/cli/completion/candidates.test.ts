import { describe, expect, it } from 'vitest';
import { candidatesFor } from '../../../../src/cli/completion/candidates.js';
import { createProgram } from '../../../../src/cli/main.js';

/** What could stand at the cursor, from the program's own table of commands. */

const program = createProgram();
const IDS = ['mailer-1', 'mailer-2', 'host:9'];
const asked: string[] = [];
const nodeIds = (prefix: string): Promise<string[]> => {
  asked.push(prefix);
  return Promise.resolve(IDS.filter((id) => id.startsWith(prefix)));
};
const after = async (...words: string[]): Promise<string[]> =>
  (await candidatesFor(program, words, nodeIds)).map(({ value }) => value);

describe('what can be completed', () => {
  it('is every command, each with what it does', async () => {
    const all = await candidatesFor(program, [''], nodeIds);
    const named = all.map(({ value }) => value);
    for (const command of program.commands) expect(named).toContain(command.name());
    for (const { value, description } of all) expect(description, value).not.toBe('');
    expect(await after('sta')).toEqual(['status', 'start']);
  });

  it('is the commands of a command, and what they take', async () => {
    expect(await after('dlq', 'r')).toEqual(['replay']);
    expect(await after('help', 'dl')).toEqual([]);
    expect(await after('stop', '')).toEqual(['temporal', 'kafka', 'consul', 'postgres']);
    expect(await after('stop', 'kafka', '')).toEqual([]);
  });

  it('is the options of the command, also after others', async () => {
    expect(await after('list', '--')).toEqual(['--state', '--type', '--limit', '--json', '--help']);
    expect(await after('list', '--type', 'effect', '--j')).toEqual(['--json']);
    expect(await after('list', '--type=effect', '--j')).toEqual(['--json']);
    expect(await after('node', '--capability', 'mail.send', 'mail.read', '--no')).toEqual(['--no-ack']);
  });

  it('is what an option takes, in both ways of writing it', async () => {
    expect(await after('list', '--type', 'c')).toEqual(['compute']);
    expect(await after('list', '--type=c')).toEqual(['--type=compute']);
    expect(await after('list', '--limit', '')).toEqual([]);
    expect(await after('list', '--nothing=')).toEqual([]);
  });

  it('is the ids of nodes, wherever a command or an option takes one', async () => {
    const named = (name: string): boolean =>
      program.commands.find((one) => one.name() === name)?.registeredArguments[0]?.name() === 'node_id';
    const takers = program.commands.map((command) => command.name()).filter(named);
    expect(takers).toEqual(expect.arrayContaining(['status', 'ack', 'retry', 'watch']));
    for (const name of takers) expect(await after(name, 'mail')).toEqual(['mailer-1', 'mailer-2']);
    expect(await after('watch', 'mailer-1', '')).toEqual(IDS);
    expect(await after('status', 'mailer-1', '')).toEqual([]);
    expect(await after('dlq', 'list', '--node', 'h')).toEqual(['host:9']);
    expect(await after('dlq', 'list', '--node=h')).toEqual(['--node=host:9']);
    expect(await after('status', '--', 'h')).toEqual(['host:9']);
  });

  it('asks nobody for ids where none can stand', async () => {
    asked.length = 0;
    await after('list', '');
    await after('status', '--j');
    expect(asked).toEqual([]);
  });
});
