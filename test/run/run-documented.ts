import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { vi } from 'vitest';
import { runCommandLine } from '../../src/cli/main.js';
import type { DocumentedCommand } from './documented.js';

/** What stands in a page for something of the reader's. */
export interface Places {
  /** A contract directory, where the page has `my-contracts`. */
  readonly contracts: string;
  /** Where the page has `<node_id>`. */
  readonly node_id: string;
}

/** What a person types who reads the page, word by word, after `registrar`. */
export function typed({ text }: DocumentedCommand, { contracts, node_id }: Places): readonly string[] {
  const line = text
    .replace(/^registrar /, '')
    .replace(/ [|<] .*/, '')
    .replace('<node_id>', node_id)
    .replace('my-contracts', contracts);
  return [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
}

/**
 * Runs a documented command in this process, with the file that the page hands in on stdin.
 *
 * @param env the environment in which it is typed
 * @returns its exit code, and what it has printed
 */
export async function runDocumented(
  command: DocumentedCommand,
  places: Places,
  env: NodeJS.ProcessEnv = {},
): Promise<{ readonly code: number; readonly output: string }> {
  const [, input] = / < (\S+)/.exec(command.text) ?? [];
  const stdin = input === undefined ? Readable.from([]) : createReadStream(input);
  vi.spyOn(process, 'stdin', 'get').mockReturnValue(stdin as typeof process.stdin);
  for (const [variable, value] of Object.entries(env)) vi.stubEnv(variable, value);
  let output = '';
  for (const stream of [process.stdout, process.stderr])
    vi.spyOn(stream, 'write').mockImplementation((text) => {
      output += String(text);
      return true;
    });
  try {
    return { code: await runCommandLine(['node', 'registrar', ...typed(command, places)]), output };
  } finally {
    vi.restoreAllMocks();
    vi.unstubAllEnvs();
    process.exitCode = undefined;
  }
}
