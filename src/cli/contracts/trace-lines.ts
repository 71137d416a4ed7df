import { createInterface } from 'node:readline';
import { z } from 'zod';
import type { CompiledContract } from '../../contracts/compiled.js';
import { errorText } from '../../error-text.js';
import { CliError, EXIT } from '../terminal/exit-codes.js';
import { Trace, traceLine } from './trace.js';

/**
 * Reads JSON lines and prints a result line for each.
 *
 * @throws CliError for the first line that is not a message, with its number and what is wrong
 */
export async function traceLines(
  contract: CompiledContract,
  input: NodeJS.ReadableStream,
  print: (line: string) => void,
): Promise<void> {
  const trace = new Trace(contract);
  let number = 0;
  for await (const text of createInterface({ input })) {
    number += 1;
    if (text.trim() === '') continue;
    const line = traceLine.safeParse(json(text, number));
    if (!line.success)
      throw new CliError(`Line ${number} is not a message: ${z.prettifyError(line.error)}`, EXIT.usage, {
        hint: 'See registrar contracts trace --help, and docs/contracts.md, "Try a contract out".',
      });
    print(JSON.stringify(trace.step(line.data)));
  }
}

function json(text: string, number: number): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CliError(`Line ${number} is not JSON: ${errorText(error)}`, EXIT.usage, { cause: error });
  }
}
