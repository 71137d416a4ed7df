import pc from 'picocolors';
import { whereFrom, type DeadLetter } from '../../protocol/dead-letter.js';
import type { RecordHeaders } from '../../protocol/instance.js';
import { isPrintable } from '../../protocol/fields.js';
import { printable } from '../../protocol/json.js';
import { facts } from '../terminal/format.js';
import { command } from '../terminal/invocation.js';
import type { Letters, PlacedLetter } from './read-letters.js';
import type { Replayed } from './replay.js';

const SHOWN_REASON = 160;
const LONGEST_NAME = 128;

/** Dead letters for a person, oldest first, and how many there are of each kind. */
export function lettersText({ letters, topic, complete }: Letters): string {
  const lines = letters.flatMap((letter) => {
    const { id, code, node_id, replayed, reason } = letter;
    const words = [pc.bold(id), timeOf(letter), code ?? 'no code', node_id, replayed ? pc.dim('replayed') : null];
    return [
      words.filter((word) => word !== null).join('  '),
      `  ${printable(reason, SHOWN_REASON)}`,
      pc.dim(`  read from ${whereFrom(letter)}`),
    ];
  });
  const counts = new Map<string, number>();
  for (const { code } of letters) counts.set(code ?? 'no code', (counts.get(code ?? 'no code') ?? 0) + 1);
  const kinds = [...counts].map(([code, count]) => `${count} ${code}`).join(', ');
  const rest = complete ? '' : ' (not all of them were read: there was not time enough)';
  const summary = letters.length === 0 ? `No dead letters in ${topic}` : `${letters.length} in ${topic}: ${kinds}`;
  const next = letters.length === 0 ? [] : [pc.dim(`One of them whole: ${command('dlq show <id>')}`)];
  return [...lines, `${summary}${rest}`, ...next].join('\n');
}

/** One dead letter whole, for a person. */
export function letterText(letter: PlacedLetter): string {
  const { id, code, reason, node_id, replays, cut_from_bytes, key, value, headers } = letter;
  return [
    `${pc.bold(id)}  ${code ?? 'no code'}`,
    '',
    facts([
      ['reason', reason],
      ['node', node_id],
      ['read from', whereFrom(letter)],
      ['written', timeOf(letter)],
      ['replayed', letter.replayed ? 'yes' : null],
      ['replays', replays === 0 ? null : `${replays} before this one`],
      ['cut', cut_from_bytes === null ? null : `the original has ${cut_from_bytes} bytes`],
      ['key', key === null ? null : inLine(key)],
      ...Object.entries(headers).map(([name, of]): [string, string] => [
        `header ${printable(name, LONGEST_NAME)}`,
        headerText(of),
      ]),
    ]),
    '',
    value === null ? pc.dim('no value') : shown(value),
  ].join('\n');
}

/** The same for a program: bytes as text where they are text, and always in Base64. */
export function letterJson(letter: PlacedLetter): Readonly<Record<string, unknown>> {
  const { key, value, headers } = letter;
  return {
    ...letter,
    at: timeOf(letter),
    key: bytesJson(key),
    value: bytesJson(value),
    headers: Object.fromEntries(Object.entries(headers).map(([name, of]) => [name, headerText(of, shown)])),
  };
}

/** What became of a replay, for a person. */
export function replayedText({ replayed, left }: Replayed): string {
  const sent = replayed.length === 0 ? 'Nothing was sent again.' : `Sent again, in this order: ${replayed.join(', ')}.`;
  return [sent, ...left.map(({ id, why }) => `  ${id} left: ${why}`)].join('\n');
}

function timeOf({ at }: Pick<DeadLetter, 'at'>): string {
  return new Date(at).toISOString();
}

function bytesJson(bytes: Buffer | null) {
  return bytes === null ? null : { text: textIn(bytes), base64: bytes.toString('base64') };
}

function headerText(of: RecordHeaders[string], textOf = inLine): string {
  return [of ?? '']
    .flat()
    .map((one) => textOf(Buffer.from(one)))
    .join(', ');
}

/** Text as it is, other bytes in Base64. A carriage return alone would write over what stands before it. */
function shown(bytes: Buffer): string {
  const lines = textIn(bytes)?.replaceAll('\r\n', '\n');
  return lines === undefined || lines.includes('\r') ? inBase64(bytes) : lines;
}

/** The same in one line. */
function inLine(bytes: Buffer): string {
  const text = textIn(bytes);
  return text === null ? inBase64(bytes) : printable(text, text.length);
}

function inBase64(bytes: Buffer): string {
  return `${bytes.length} bytes, Base64: ${bytes.toString('base64')}`;
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function textIn(bytes: Buffer): string | null {
  try {
    const text = utf8.decode(bytes);
    return isPrintable(text.replace(/[\n\r\t]/g, '')) ? text : null;
  } catch {
    // Bytes that are no UTF-8 are no text.
    return null;
  }
}
