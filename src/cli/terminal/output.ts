import { stripVTControlCharacters } from 'node:util';
import { clearLastLines } from '../../stack/last-line.js';
import { hasCode } from '../../stack/state/errors.js';

/** Who reads may have read enough, as in `list | head`: what is printed after that is dropped. */
export function letReadersLeave(): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error) => {
      if (!hasCode(error, 'EPIPE')) throw error;
    });
}

/** Prints a result, on stdout, so that it can be piped. */
export function print(text: string): void {
  printTo(process.stdout, text);
}

/** Prints what a person should know on the way, on stderr. */
export function log(text: string): void {
  printTo(process.stderr, text);
}

/** A result that a program reads: one line, or several for a person who looks at it. */
export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, process.stdout.isTTY ? 2 : undefined));
}

/** Prints on a stream that depends on more than what is printed. */
export function printTo(stream: NodeJS.WriteStream, text: string): void {
  clearLastLines();
  stream.write(`${colouredFor(stream, text)}\n`);
}

/** A text with its colours where the stream shows colours, and without them elsewhere. */
export function colouredFor(stream: NodeJS.WriteStream, text: string): string {
  return showsColours(stream) ? text : stripVTControlCharacters(text);
}

/** A terminal that knows colours, or whoever asks for them: the two streams may lead to different places. */
function showsColours(stream: NodeJS.WriteStream): boolean {
  if (stream.isTTY) return stream.hasColors();
  const { FORCE_COLOR: forced = '0' } = process.env;
  return forced !== '0' && forced !== 'false';
}
