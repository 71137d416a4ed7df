import { environmentName } from '../../protocol/topics.js';
import type { Config } from '../../config/index.js';
import type { CliError } from '../terminal/exit-codes.js';

/** One thing that was looked at, and what was found. */
export interface Check {
  readonly about: 'contracts' | 'temporal' | 'kafka' | 'consul' | 'postgres' | 'liveness' | 'clocks';
  /** What was looked at. */
  readonly what: string;
  readonly ok: boolean;
  /** What was found. */
  readonly found: string;
  /** What to do; null when all is well. */
  readonly todo: string | null;
}

/** What is checked of a server. */
export interface Scope {
  /** true: a worker and a bridge must run, too. false: only the connection and what must be behind it. */
  readonly running: boolean;
}

/** Longest wait for one answer, in milliseconds. */
export const ANSWER_WITHIN_MS = 5_000;

/** A check with its result. `todo` is dropped when all is well. */
export function verdict(about: Check['about'], what: string, ok: boolean, found: string, todo: string): Check {
  return { about, what, ok, found, todo: ok ? null : todo };
}

/** Whether a server belongs to this installation. @param owner an environment's name; null: it is nobody's so far */
export function ownership(about: Check['about'], what: string, owner: string | null, config: Config): Check {
  const mine = environmentName(config);
  return verdict(
    about,
    what,
    owner === null || owner === mine,
    owner === null ? 'yes, as soon as something starts' : owner === mine ? 'yes' : `belongs to '${owner}'`,
    `This one is '${mine}': set REGISTRAR_ENV and REGISTRAR_NAMESPACE to '${owner}' if that is meant, or give this ` +
      'installation a database and a namespace of Temporal of its own.',
  );
}

/** A check that failed with an error for people. */
export function failed(check: Pick<Check, 'about' | 'what'>, error: CliError): Check {
  return { ...check, ok: false, found: error.message, todo: error.hint ?? null };
}
