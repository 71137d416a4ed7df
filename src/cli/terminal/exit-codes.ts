/** What an exit code means; every command's help lists them. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  unreachable: 4,
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export const EXIT_CODES_HELP = `Exit codes:
  0    done
  1    failed; the message says why
  2    wrong usage: a command, an option or a variable that cannot be used
  3    not found: nobody knows this node
  4    a server cannot be reached, or is not as it must be
  130  interrupted before it was done`;

/** An end that is foreseen: what happened, to whom, and what to do next. */
export class CliError extends Error {
  override readonly name = 'CliError';

  constructor(
    message: string,
    readonly exitCode: ExitCode,
    options: ErrorOptions & {
      /** What to do next. */
      readonly hint?: string;
      /** Nobody has refused what was asked for: it may be done yet. */
      readonly mayBeDoneYet?: true;
    } = {},
  ) {
    super(message, options);
    this.hint = options.hint;
    this.mayBeDoneYet = options.mayBeDoneYet === true;
  }

  readonly hint: string | undefined;
  readonly mayBeDoneYet: boolean;
}
