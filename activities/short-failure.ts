import { ApplicationFailure } from '@temporalio/common';
import { oneLine } from './one-line.js';

/**
 * What Temporal Server keeps of an activity's failure while it is tried again: 4 KiB, encoded, by default
 * (limit.mutableStateActivityFailureSize.error). Of a longer one it keeps "Failure exceeds size limit." instead of the
 * words. The rest is for types, names and the encoding.
 */
const LONGEST_BYTES = 3_600;
const LONGEST_STACK_BYTES = 600;

/**
 * A failure whose words people see while its activity is tried again, however long the words and the stack were.
 *
 * @param words what went wrong, in the words of whoever refused
 * @param text the message, given the words as far as there is room for them
 * @returns the failure; its cause has the words alone, and the first lines of the error's stack
 */
export function shortFailure(
  type: string,
  error: unknown,
  words: string,
  text: (words: string) => string,
): ApplicationFailure {
  let cut = words;
  while (bytesOf(text(cut)) + bytesOf(cut) > LONGEST_BYTES - LONGEST_STACK_BYTES && cut.length > 1)
    cut = oneLine(cut, Math.floor(cut.length * 0.8));
  const cause = new Error(cut);
  cause.stack = firstFrames(error);
  const failure = ApplicationFailure.create({ type, message: text(cut), cause });
  // It repeats the message, and says only where the failure was made of the error.
  failure.stack = '';
  return failure;
}

const bytesOf = (text: string): number => Buffer.byteLength(text);

function firstFrames(error: unknown): string {
  if (!(error instanceof Error)) return '';
  const lines = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  while (bytesOf(lines.join('\n')) > LONGEST_STACK_BYTES) lines.pop();
  return lines.join('\n');
}
