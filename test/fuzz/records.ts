import { FIELDS, IDS, NO_URLS, PROTOTYPE_NAMES, RECORD_TIMES, TEXTS, TIMES, VALUES } from './odd-values.js';
import type { Random } from './random.js';

/** A record as it is sent, but for its topic. */
export interface Made {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, Buffer | string | (Buffer | string)[]>>;
  /** Milliseconds since 1970, as its sender says; the broker has its own. */
  readonly timestamp?: string;
  /** It goes in a batch of its own, compressed. */
  readonly compressed?: boolean;
}

type Maker = (random: Random) => Made;

const plain = (value: Buffer | string | null): Made => ({
  key: null,
  value: typeof value === 'string' ? Buffer.from(value) : value,
  headers: {},
});
const json = (value: unknown): Made => plain(JSON.stringify(value));

/** A message that would be good, but for the fields given. */
function nearly(random: Random, changes: Readonly<Record<string, unknown>>): Made {
  return json({
    node_id: `garbage-${random.below(1e9)}`,
    node_type: 'effect',
    node_version: '1.0.0',
    endpoints: { api: 'http://10.0.0.1:8080' },
    ...changes,
  });
}

const good = (random: Random): string => String(nearly(random, {}).value);
const pairs = (random: Random, most: number, name: string): Record<string, string> =>
  Object.fromEntries(Array.from({ length: 300 + random.below(most) }, (_, n) => [`${name}${n}`, 'http://10.0.0.1']));

const deepValue = (random: Random): string => {
  const levels = random.pick([25, 100, 3_000, 30_000]);
  return random.pick([
    '['.repeat(levels) + ']'.repeat(levels),
    '{"a":'.repeat(levels) + '1' + '}'.repeat(levels),
    '[{"a":'.repeat(levels) + '1' + '}]'.repeat(levels),
  ]);
};

/**
 * Each kind of record of which no node can be registered, and how often it comes. As an ack or a heartbeat some of them
 * are good: a heartbeat is its node_id.
 */
const KINDS: Readonly<Record<string, readonly [weight: number, make: Maker]>> = {
  bytes: [10, (random) => plain(random.bytes(random.below(300)))],
  not_utf8: [
    5,
    (random) =>
      plain(
        random.pick([
          Buffer.concat([Buffer.from('{"node_id":"'), random.bytes(9), Buffer.from([0xff, 0xc0]), Buffer.from('"}')]),
          Buffer.from(good(random), 'utf16le'),
          Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(good(random).slice(1))]),
        ]),
      ),
  ],
  truncated: [10, (random) => plain(good(random).slice(0, random.below(100)))],
  not_closed: [3, (random) => plain('['.repeat(random.below(3_000)) + '{"a":'.repeat(random.below(3_000)))],
  deep: [
    3,
    (random) =>
      plain(random.pick([deepValue(random), good(random).replace('{', () => `{"more":${deepValue(random)},`)])),
  ],
  duplicate_keys: [
    5,
    (random) =>
      plain(
        random.pick([
          `{"node_id":"a","node_id":${random.below(9)},"node_type":"effect","node_type":"toaster"}`,
          `{${'"node_id":"a",'.repeat(1_000)}"node_type":"effect","node_type":"none"}`,
          `{"payload":${good(random)},"payload":null}`,
        ]),
      ),
  ],
  no_numbers: [
    3,
    (random) =>
      plain(`{"node_id":${random.pick(['NaN', '-Infinity', '1e999', '-0', '9'.repeat(400)])},"node_type":"effect"}`),
  ],
  no_object: [
    5,
    (random) => plain(random.pick(['null', '1', '"x"', '[]', `[${good(random)}]`, 'true', '""', '\u0000'])),
  ],
  wrong_type: [15, (random) => nearly(random, { node_type: 'toaster', [random.pick(FIELDS)]: random.pick(VALUES) })],
  envelope: [
    8,
    (random) =>
      json({
        payload: random.pick(VALUES),
        envelope_id: random.pick(IDS),
        correlation_id: random.pick(IDS),
        node_id: 'a',
      }),
  ],
  huge_key: [2, (random) => ({ ...plain('x'), key: Buffer.alloc(random.pick([1_000, 10_000, 60_000]), 'k') })],
  huge_text: [2, (random) => nearly(random, { [random.pick(FIELDS)]: 'x'.repeat(60_000), node_version: 'x' })],
  huge_name: [1, (random) => nearly(random, { ['n'.repeat(60_000)]: 1, node_type: 'x'.repeat(999) })],
  many_fields: [1, (random) => nearly(random, { ...pairs(random, 3_000, 'f'), node_id: '' })],
  many_endpoints: [1, (random) => nearly(random, { endpoints: pairs(random, 1_000, 'e') })],
  many_capabilities: [1, (random) => nearly(random, { capabilities: Object.keys(pairs(random, 5_000, 'c')) })],
  prototype: [
    6,
    (random) => {
      const name = random.pick(PROTOTYPE_NAMES);
      return plain(
        random.pick([
          `{"${name}":${good(random)}}`,
          `{"constructor":{"prototype":${good(random)}},"node_type":${random.below(9)}}`,
          `{"${name}":{},"payload":{"${name}":${good(random)}}}`,
          good(random).replace('"effect"', `"${name}"`),
          good(random).replace('"api":"', `"${name}":"no `),
        ]),
      );
    },
  ],
  url: [
    10,
    (random) =>
      nearly(
        random,
        random.pick([
          { endpoints: [random.pick(NO_URLS)] },
          { endpoints: { api: 'http://10.0.0.1:8080', other: random.pick(NO_URLS) } },
          { health_endpoint: random.pick(NO_URLS) },
        ]),
      ),
  ],
  text: [
    12,
    (random) => {
      const text = random.pick(TEXTS);
      return nearly(
        random,
        random.pick([
          { node_id: `${text}/` },
          { node_type: text },
          { node_version: `${text}?` },
          { reason: `${text}.` },
          { correlation_id: ` ${text}` },
          { capabilities: [`${text}\u0000`] },
          { endpoints: { [text]: text } },
          { [text]: text, node_id: null },
        ]),
      );
    },
  ],
  time: [6, (random) => nearly(random, { timestamp: random.pick(TIMES), node_type: 'none' })],
  record_time: [3, (random) => ({ ...plain('{'), timestamp: random.pick(RECORD_TIMES) })],
  id: [
    8,
    (random) =>
      nearly(random, {
        node_id: random.pick(IDS),
        correlation_id: random.pick(IDS),
        command_id: random.pick(IDS),
        node_type: 'none',
      }),
  ],
  tombstone: [5, (random) => ({ ...plain(random.pick([null, Buffer.alloc(0)])), key: random.bytes(8) })],
  headers: [
    8,
    (random) => ({
      ...plain('x'),
      headers: Object.fromEntries<Made['headers'][string]>([
        ['\u0000', random.bytes(9)],
        ['', ''],
        ['twice', [random.bytes(2), 'b']],
        [random.pick(PROTOTYPE_NAMES), random.bytes(30)],
        [random.pick(TEXTS), random.pick(TEXTS)],
        [random.pick(['instance_id', 'traceparent', 'registrar-replays', 'message_id']), random.pick(TEXTS)],
      ]),
    }),
  ],
  /** Named as those of a dead letter. */
  letters_headers: [
    4,
    (random) => ({
      ...plain('x'),
      headers: Object.fromEntries(
        [
          'code',
          'reason',
          'node_id',
          'original_topic',
          'original_offset',
          'original_header.code',
          'replayed_letter',
        ].map((name) => [name, random.pick(TEXTS)]),
      ),
    }),
  ],
  many_headers: [1, (random) => ({ ...plain('x'), headers: pairs(random, 2_000, 'h') })],
  /** Of another registrar, or of somebody who plays one: no reader is given it. */
  marker: [2, (random) => ({ ...plain(null), headers: { 'registrar-marker': random.pick(TEXTS) } })],
  marker_with_value: [1, () => ({ ...plain('x'), headers: { 'registrar-marker': 'x' } })],
};

const MB = 1_000_000;
/** Rare: each costs as much as a thousand others. */
const LARGE: Readonly<Record<string, Maker>> = {
  large_value: (random) => plain(Buffer.alloc(MB, random.below(256))),
  large_message: (random) => nearly(random, { more: 'x'.repeat(MB) }),
  large_key: () => ({ ...plain('x'), key: Buffer.alloc(900_000, 'k') }),
  large_headers: (random) => ({ ...plain('x'), headers: { large: random.bytes(99), larger: Buffer.alloc(900_000) } }),
  /** What nobody could hold, in some KB. */
  bomb: () => ({ ...plain(ZEROS), compressed: true }),
};
const ONE_LARGE_IN = 10_000;
const ZEROS = Buffer.alloc(40 * 1024 * 1024);

const ALL: readonly (readonly [string, Maker])[] = [
  ...Object.entries(KINDS).map(([name, [, make]]) => [name, make] as const),
  ...Object.entries(LARGE),
];
const WEIGHTED = Object.values(KINDS).flatMap(([weight, make]) => Array.from({ length: weight }, () => make)) as [
  Maker,
  ...Maker[],
];
const RARE = Object.values(LARGE) as [Maker, ...Maker[]];

/** Every kind by its name. */
export const GARBAGE_KINDS: ReadonlyMap<string, Maker> = new Map(ALL);

/**
 * A record of which no node can be registered.
 *
 * @param index the first ones are one of each kind, so that a short run has them all
 */
export function garbage(random: Random, index: number): Made {
  const [, first] = ALL[index] ?? [];
  if (first !== undefined) return first(random);
  return random.onceIn(ONE_LARGE_IN) ? random.pick(RARE)(random) : random.pick(WEIGHTED)(random);
}

/** Whether every reader passes over a record, as over a marker of its own. */
export function isMarker({ value, headers }: Pick<Made, 'value' | 'headers'>): boolean {
  return value === null && Object.hasOwn(headers, 'registrar-marker');
}
