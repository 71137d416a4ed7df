/** Prints a result, on stdout, so that it can be piped. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Prints what a person should know on the way, on stderr. */
export function log(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** A result that a program reads: one line, or several for a person who looks at it. */
export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, process.stdout.isTTY ? 2 : undefined));
}
