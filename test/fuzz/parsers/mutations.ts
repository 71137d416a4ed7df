import { FIELDS, IDS, NO_URLS, PROTOTYPE_NAMES, TEXTS, TIMES, VALUES } from '../odd-values.js';
import type { Random } from '../random.js';

const LONGEST = 64 * 1024;
const WORDS = [
  'effect',
  'startup',
  'payload',
  'metadata',
  'tags',
  'operations',
  'capability_tags',
  'event_type',
] as const;
const isShort = (value: unknown): boolean => JSON.stringify(value).length < 1_000;
/** Values that some field may like, or choke on. */
const JSON_VALUES: readonly unknown[] = [
  ...VALUES,
  ...IDS.filter(isShort),
  ...NO_URLS,
  ...TEXTS.filter(isShort),
  ...TIMES,
  ...WORDS,
  'http://10.0.0.1:8080',
  '/health',
  '1.2.3-rc.1',
];
const NAMES: readonly string[] = [...FIELDS, ...PROTOTYPE_NAMES, ...WORDS];
const TOKENS: readonly Buffer[] = [
  ...JSON_VALUES.map((value) => Buffer.from(JSON.stringify(value))),
  ...['NaN', '-Infinity', '1e999', '{', '}', '[', ']', '"', '\\u0000', '\\', ',', ':', '\n\n'].map((text) =>
    Buffer.from(text),
  ),
  Buffer.from([0xff]),
  Buffer.from([0xef, 0xbb, 0xbf]),
  Buffer.from([0xff, 0xff, 0xff, 0xff]),
  Buffer.from([0x7f, 0xff, 0xff, 0xff]),
  Buffer.from([0x80, 0x80, 0x80, 0x80, 0x80]),
  Buffer.from([0x28, 0xb5, 0x2f, 0xfd]),
  Buffer.from([0x04, 0x22, 0x4d, 0x18]),
  Buffer.from([0x1f, 0x8b, 0x08]),
];

/** An input that is like one of those that led somewhere, but not quite. */
export function mutated(random: Random, corpus: readonly [Buffer, ...Buffer[]]): Buffer {
  let input = random.one(corpus);
  for (let changes = 1 + random.below(4); changes > 0; changes -= 1) {
    const other = random.one(corpus);
    const asJson = random.onceIn(2) ? mutatedJson(random, input, other) : null;
    input = asJson ?? mutatedBytes(random, input, other);
  }
  return input.subarray(0, LONGEST);
}

function mutatedBytes(random: Random, input: Buffer, other: Buffer): Buffer {
  const at = random.below(input.length + 1);
  const length = random.below(random.pick([2, 8, 64, 4_096]));
  const [before, behind] = [input.subarray(0, at), input.subarray(at)];
  const from = random.below(other.length + 1);
  switch (random.below(8)) {
    case 0:
      return Buffer.concat([before, random.bytes(Math.min(length, 64)), behind]);
    case 1:
      return Buffer.concat([before, behind.subarray(length)]);
    case 2:
      return Buffer.concat([before, behind.subarray(0, length), behind]);
    case 3:
      return Buffer.concat([before, other.subarray(from, from + length), behind]);
    case 4:
      return Buffer.concat([
        before,
        random.one(TOKENS as [Buffer, ...Buffer[]]),
        behind.subarray(random.below(2) * length),
      ]);
    case 5:
      return before;
    default:
      return withByte(random, input);
  }
}

function withByte(random: Random, input: Buffer): Buffer {
  if (input.length === 0) return random.bytes(1);
  const changed = Buffer.from(input);
  const at = random.below(changed.length);
  const before = changed[at] ?? 0;
  changed[at] = random.pick([before ^ (1 << random.below(8)), random.below(256), before + 1, before - 1, 0, 255]) & 255;
  return changed;
}

/** One place of a JSON text changed, so that it stays one; null where it is none. */
function mutatedJson(random: Random, input: Buffer, other: Buffer): Buffer | null {
  const [json, more] = [jsonOf(input), jsonOf(other)];
  if (json === undefined) return null;
  const places = placesIn(json);
  const place = places[random.below(places.length)];
  if (place === undefined) return null;
  const { holder, name } = place;
  const elsewhere = placesIn(more);
  const value = random.pick([
    () => random.one(JSON_VALUES as [unknown, ...unknown[]]),
    () => elsewhere[random.below(elsewhere.length)]?.value ?? null,
    () => [holder[name], holder[name]],
    () => ({ [random.one(NAMES as [string, ...string[]])]: holder[name] }),
    () => 'x'.repeat(random.pick([129, 300, 3_000])),
  ])();
  switch (random.below(4)) {
    case 0:
      delete holder[name];
      break;
    case 1:
      put(holder, random.one(NAMES as [string, ...string[]]), value);
      break;
    default:
      put(holder, name, value);
  }
  try {
    return Buffer.from(JSON.stringify(json));
  } catch {
    // What was put in has become part of itself.
    return null;
  }
}

type Holder = Record<string, unknown>;

function put(holder: Holder, name: string, value: unknown): void {
  Object.defineProperty(holder, name, { value, enumerable: true, configurable: true, writable: true });
}

function placesIn(json: unknown): { readonly holder: Holder; readonly name: string; readonly value: unknown }[] {
  if (typeof json !== 'object' || json === null) return [];
  const holder = json as Holder;
  return Object.entries(holder).flatMap(([name, value]) => [{ holder, name, value }, ...placesIn(value)]);
}

function jsonOf(input: Buffer): unknown {
  try {
    return JSON.parse(String(input)) as unknown;
  } catch {
    return undefined;
  }
}
