import type { Child } from '../processes/children.js';
import { CliError, EXIT } from '../terminal/exit-codes.js';

/** The end of a child or a server that nobody has asked for. */
export interface Broken {
  /** Resolves with the first such end. */
  readonly promise: Promise<CliError>;
  report(error: CliError): void;
  /** From now on an end is no accident. */
  expectEnds(): void;
}

/** Watches the children; servers are reported by whoever runs them. */
export function whenOneEnds(children: readonly Child[]): Broken {
  let report: (error: CliError) => void = () => undefined;
  const promise = new Promise<CliError>((resolve) => (report = resolve));
  let expected = false;
  for (const child of children) {
    void child.exited.then(({ code, signal }) => {
      if (expected) return;
      const how = signal === null ? `with exit code ${code ?? 'unknown'}` : `by ${signal}`;
      const lines = child.lastLines();
      const end = lines === '' ? '' : `\nThe end of its log:\n${lines}`;
      report(
        new CliError(`The ${child.role} (process ${child.pid}) has ended by itself, ${how}.${end}`, EXIT.failed, {
          ...(child.logFile === null ? {} : { hint: `Its whole log: ${child.logFile}` }),
        }),
      );
    });
  }
  return { promise, report, expectEnds: () => (expected = true) };
}
