import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { join } from 'node:path';
import { letterJson, letterText } from '../../../src/cli/dlq/letters-text.js';
import { decompressed } from '../../../src/kafka/decoding/compression.js';
import { decodeRecordBatches } from '../../../src/kafka/decoding/record-batches.js';
import { buildAck, parseAck } from '../../../src/protocol/ack.js';
import { buildDrainRequest, parseDrainRequest } from '../../../src/protocol/drain-request.js';
import {
  buildDeadLetter,
  buildReplay,
  isAbout,
  readDeadLetter,
  replayedLetter,
  shorterDeadLetters,
} from '../../../src/protocol/dead-letter.js';
import { unwrap } from '../../../src/protocol/envelope.js';
import { isPrintable } from '../../../src/protocol/fields.js';
import { buildHeartbeat, parseHeartbeat } from '../../../src/protocol/heartbeat.js';
import type { Parsed, RecordPlace } from '../../../src/protocol/incoming.js';
import type { RecordHeaders } from '../../../src/protocol/instance.js';
import { buildIntrospection, parseIntrospection } from '../../../src/protocol/introspection.js';
import { buildPublished, parsePublished, PUBLISHED_EVENT_TYPES } from '../../../src/protocol/published.js';
import { batch, record } from '../../unit/kafka/decoding/batches.js';
import { sampleEvent } from '../../unit/protocol/sample-events.js';
import { samples } from '../../unit/protocol/samples.js';
import { notNormal } from '../normal-form.js';
import type { Target } from './explore.js';

/** Everything that reads bytes which somebody else has written, and what must hold whatever they are. */

const PLACE = { topic: 't', partition: 0, offset: '7', timestamp: Date.UTC(2026, 0, 31, 12) };
const SENT = new Date(PLACE.timestamp);
const LONGEST_REASON = 4_000;

const inFolder =
  (...folders: readonly string[]) =>
  (url: string): boolean =>
    folders.some((folder) => url.includes(folder));
const PROTOCOL = inFolder('/src/protocol/', '/src/parse-url');
const DECODING = inFolder('/src/kafka/decoding/', '/node_modules/fzstd/');

function mustHold(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what);
}

function checkReason(reason: string): void {
  mustHold(/\S \S/u.test(reason) && reason.length < LONGEST_REASON, `no reason: ${reason.slice(0, 100)}`);
  mustHold(isPrintable(reason), `a reason that is not printable: ${JSON.stringify(reason)}`);
}

/** A message as its topic has it: a parser answers it, or says why it cannot; what it answers is of the normal form. */
function message<Message extends { readonly node_id: string }>(
  parse: (value: Buffer, place: RecordPlace) => Parsed<Message>,
  seeds: readonly Buffer[],
  check: (message: Message) => void,
): Target {
  return {
    counts: PROTOCOL,
    seeds,
    run(input) {
      const parsed = parse(input, { ...PLACE, headers: { instance_id: input.subarray(-40) } });
      if (!parsed.ok) return checkReason(parsed.reason);
      check(parsed.message);
    },
  };
}

const normal = (name: string) => (answer: { readonly node_id: string }) => {
  const message: unknown = JSON.parse(JSON.stringify(answer));
  const fault = notNormal({ name, args: [name === 'request' ? { payload: message } : message] }, answer.node_id);
  mustHold(fault === null, `not of the normal form: ${fault ?? ''}`);
};

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const sampled = (topic: string): Buffer[] =>
  samples.filter((one) => one.topic === topic).flatMap(({ bare, envelope }) => [json(bare), json(envelope)]);
const IDENTITY = { node_id: 'n', node_type: 'effect', node_version: '1.2.3' } as const;

const introspections: readonly Buffer[] = [
  ...sampled('node-introspection'),
  json({ node_id: 'n', node_type: 'effect', endpoints: ['http://a:1', 'ftp://b'], health_endpoint: '/h', epoch: 1 }),
  json({ ...IDENTITY, capabilities: { a: { b: true }, c: ['d'] }, discovered_capabilities: { operations: ['e'] } }),
  buildIntrospection(
    { ...IDENTITY, correlation_id: 'c', endpoints: { api: 'http://[::1]:1/' }, capabilities: ['x'], reason: 'startup' },
    SENT,
  ).value,
];
const acks: readonly Buffer[] = [
  ...sampled('node-registration-acked'),
  buildAck({ node_id: 'n', correlation_id: 'c' }, SENT).value,
];
const drains: readonly Buffer[] = [
  buildDrainRequest({ node_id: 'n', correlation_id: 'c', draining: true, reason: 'too hot' }, SENT).value,
];
const heartbeats: readonly Buffer[] = [
  ...sampled('node-heartbeat'),
  buildHeartbeat({ ...IDENTITY, uptime_seconds: 1 }, SENT).value,
];
const published = PUBLISHED_EVENT_TYPES.map(
  (type) => buildPublished(sampleEvent(type), { sentAt: SENT, source: 's' }).value,
);

/** Lines of "name: value", an empty one, and a value. */
function recordOf(input: Buffer): { readonly headers: RecordHeaders; readonly value: Buffer; readonly key: Buffer } {
  const split = input.indexOf('\n\n');
  const head = split < 0 ? input : input.subarray(0, split);
  const headers = new Map<string, Buffer[]>();
  for (const line of String(head).split('\n')) {
    const [name = '', ...rest] = line.split(': ');
    headers.set(name, [...(headers.get(name) ?? []), Buffer.from(rest.join(': '))]);
  }
  const value = split < 0 ? Buffer.alloc(0) : input.subarray(split + 2);
  return { headers: Object.fromEntries(headers), value, key: value.subarray(0, 9) };
}

function letterSeed(reason: string): Buffer {
  const { headers } = buildDeadLetter({
    event_type: 'DeadLetter',
    tags: { tag: 'x' },
    code: 'not_json',
    reason,
    node_id: 'n',
    record: { ...PLACE, key: null, value: null, headers: { 'registrar-replays': '1', h: 'v' } },
  });
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${String(value)}`);
  return Buffer.from(`${lines.join('\n')}\ncut_from_bytes: 7\n\n{"node_id":"n"}`);
}

/** Control characters but those that lines and colours are made of. */
const BAD_ON_A_TERMINAL = /[\u0000-\u0008\u000b-\u001a\u001c-\u001f\u007f-\u009f]|\u001b(?!\[\d{1,2}m)/u;

const deadLetters: Target = {
  counts: inFolder('/src/protocol/', '/src/cli/dlq/letters-text'),
  seeds: [letterSeed('not JSON: x'), letterSeed(''), Buffer.from('replayed_letter: 1-7\n\n')],
  run(input) {
    const original = recordOf(input);
    const read = { ...readDeadLetter({ ...original, timestamp: PLACE.timestamp }), id: '0-7', replayed: false };
    isAbout(read, 'n');
    replayedLetter(original);
    buildReplay(read);
    JSON.stringify(letterJson(read));
    mustHold(!BAD_ON_A_TERMINAL.test(letterText(read)), `a terminal would obey: ${JSON.stringify(letterText(read))}`);
    const letter = {
      event_type: 'e',
      tags: {},
      code: 'not_json',
      reason: read.reason,
      node_id: read.node_id,
      record: { ...PLACE, ...original },
    } as const;
    const again = readDeadLetter({ ...buildDeadLetter(letter), timestamp: PLACE.timestamp });
    mustHold(again.code === 'not_json' && again.origin?.offset === PLACE.offset, 'a letter that is not read back');
    const headersOf = (headers: RecordHeaders): string => JSON.stringify(Object.entries(headers));
    mustHold(headersOf(again.headers) === headersOf(original.headers), 'headers that are not read back');
    for (const short of shorterDeadLetters(letter))
      mustHold(readDeadLetter({ ...short, timestamp: 0 }).origin !== null, 'a short letter that is not read back');
  },
};

const FIXTURES = join(import.meta.dirname, '../../fixtures/compressed');
const byJava = readdirSync(FIXTURES)
  .filter((name) => name.endsWith('.batch'))
  .map((name) => readFileSync(join(FIXTURES, name)));
const small = record({
  key: Buffer.from('k'),
  value: Buffer.from('v'),
  headers: [
    ['h', 'x'],
    ['h', 'y'],
  ],
});
const batches: readonly Buffer[] = [
  ...byJava,
  batch({ records: [small, record({ delta: 1 })] }),
  batch({ records: [] }),
  Buffer.concat([batch({ records: [small] }), batch({ records: [small], firstOffset: 1n })]),
  batch({ codec: 1, records: [], count: 1, body: gzipSync(small) }),
];
/** What stands before the records of a batch. */
const HEAD_BYTES = 61;
const LIMIT = 1024 ** 2;

/** By name. */
export const TARGETS: Readonly<Record<string, Target>> = {
  introspection: message(parseIntrospection, introspections, normal('introspection')),
  ack: message(parseAck, acks, normal('ack')),
  drain: message(parseDrainRequest, drains, normal('request')),
  heartbeat: message(parseHeartbeat, heartbeats, ({ node_id }) =>
    mustHold(/^[A-Za-z0-9._:-]{1,128}$/.test(node_id), `no id: ${node_id}`),
  ),
  published: {
    counts: PROTOCOL,
    seeds: published,
    run(input) {
      const parsed = parsePublished(input, { instance_id: input.subarray(-40), supersedes: input.subarray(-90) });
      if (!parsed.ok) checkReason(parsed.reason);
      else mustHold(/^[A-Za-z0-9._:-]{1,128}$/.test(parsed.event.node_id), `no id: ${parsed.event.node_id}`);
    },
  },
  envelope: {
    counts: PROTOCOL,
    seeds: [...introspections, ...acks, ...published],
    run(input) {
      const opened = unwrap(input);
      if (!opened.ok) checkReason(opened.reason);
    },
  },
  'dead-letter': deadLetters,
  'record-batches': {
    counts: DECODING,
    seeds: batches,
    run(input) {
      for (const { undecodable } of decodeRecordBatches(input))
        if (undecodable !== undefined) mustHold(undecodable.length < 1_000, undecodable);
    },
  },
  compression: {
    counts: DECODING,
    seeds: byJava.map((bytes) => Buffer.concat([bytes.subarray(22, 23), bytes.subarray(HEAD_BYTES)])),
    run(input) {
      try {
        mustHold(decompressed(input.subarray(1), (input[0] ?? 0) & 7, LIMIT).length <= LIMIT, 'more than the limit');
      } catch (error) {
        mustHold(
          error instanceof Error && /^(cannot be decompressed \(|compressed by an unknown codec)/.test(error.message),
          `not its own answer: ${String(error)}`,
        );
      }
    },
  },
};
