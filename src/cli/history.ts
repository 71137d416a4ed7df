import { userInfo } from 'node:os';
import type { Config } from '../config/index.js';
import { errorText } from '../error-text.js';
import type { AskedBy } from '../protocol/asked-by.js';
import { beginAction, endAction, type AskedAction } from '../registry/operator-actions.js';
import { withRegistry } from './connect.js';
import { ServerOfAnother } from './ownership.js';
import { CliError } from './terminal/exit-codes.js';
import { log } from './terminal/output.js';

/** Who runs this command, and what they say why. */
export function askedHere(reason: string | undefined): AskedBy {
  return { who: userInfo().username, why: reason ?? null };
}

/**
 * Does what a person asks for. Who, why and what became of it are kept in the registry. While the registry is away the
 * work is done all the same: the node's own history has who and why too.
 *
 * @param work answers what became of it, in a sentence
 * @param report gets why it could not be kept
 * @throws ServerOfAnother before the work, where the registry is another installation's
 * @throws whatever the work throws
 */
export async function keptInHistory(
  config: Config,
  asked: AskedAction,
  work: () => Promise<string>,
  report: (words: string) => void = log,
): Promise<string> {
  const orReport = async <T>(kept: Promise<T>): Promise<T | null> =>
    kept.catch((error: unknown) => {
      if (error instanceof ServerOfAnother) throw error;
      report(`The registry's history does not have this: ${errorText(error)}`);
      return null;
    });
  const id = await orReport(withRegistry(config, (pool) => beginAction(pool, asked)));
  const end = async (outcome: string, refused: boolean | null): Promise<void> => {
    if (id !== null) await orReport(withRegistry(config, (pool) => endAction(pool, id, { outcome, refused })));
  };
  try {
    const outcome = await work();
    await end(outcome, false);
    return outcome;
  } catch (error) {
    await end(refusalText(error), error instanceof CliError && error.mayBeDoneYet ? null : true);
    throw error;
  }
}

/** An error for a person, with what to do next. */
export function refusalText(error: unknown): string {
  return error instanceof CliError && error.hint !== undefined ? `${error.message} ${error.hint}` : errorText(error);
}
