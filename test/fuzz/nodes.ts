import type { Random } from './random.js';
import type { Made } from './records.js';
import { PROTOTYPE_NAMES, RECORD_TIMES, TEXTS } from './odd-values.js';

/** A node whose messages are odd in every way that is allowed: it must become active. */
export interface OddNode {
  /** As the registrar writes it. */
  readonly node_id: string;
  readonly introspection: Made;
  /** @param correlation_id as the `accepted` has it */
  ack(correlation_id: string): Made;
  heartbeat(): Made;
}

const URLS = [
  'http://10.0.0.1:8080',
  'HTTP://EXAMPLE.com',
  'http://[::1]:8080/',
  'http://[fe80::1]/',
  'https://user:p%40w%2f@host:8443/a;b?q=%27--&r={env}#f',
  "http://h/'%3b%20drop%20table%20node_registrations;--",
  'http://h/..%2f..%2fv1%2fcatalog%2fderegister',
  'http://h/../../v1/kv/x?recurse=true',
  'http://h/$%7Bjndi:ldap://a%7D',
  'http://h/<script>alert(1)</script>',
  'http://münchen.example/ü?ü',
  'http://0x7f.1:1',
  'http://2130706433/',
  'http://h.:80',
  'http:\\\\h\\a',
  'ftp://h',
  'amqp://h/%2f',
  'made-up+scheme://h:9/x',
  "made-up://a%27b'c:1",
  'ws://h',
  `http://h/${'x'.repeat(2_000)}`,
] as const;
const TYPES = ['effect', 'REDUCER', 'Orchestrator', 'compute'] as const;
const VERSIONS = [
  '1.2.3',
  'v0.0.0-rc.1+build.5',
  { major: 999_999_999, minor: 0, patch: 0, prerelease: ['rc', 1], build: null },
  null,
] as const;
const TIMES = [
  '0001-01-01T00:00:00Z',
  '9999-12-31T23:59:59.999999+14:00',
  '2026-01-31T12:00:00.123456-12:00',
  null,
] as const;
const PRINTABLE_TEXTS = TEXTS.filter((text) => text.length >= 1 && text.length <= 64 && !/[\p{Cc}\p{Cs}]/u.test(text));
const NAMES = [...PROTOTYPE_NAMES, ...PRINTABLE_TEXTS, 'x'.repeat(64)] as unknown as [string, ...string[]];
const IDS_OF_COMMANDS = ['12345678-1234-1234-1234-123456789012', 'c', '', null] as const;

function nodeId(random: Random, unique: string): string {
  const uuid = random.uuid();
  return random.pick([
    `valid-${unique}`,
    uuid,
    uuid.toUpperCase(),
    `..:${unique}`,
    `__proto__.${unique}`,
    `constructor:${unique}`,
    `A.b_C-${unique}`,
    `--${unique}`,
    `v1:kv:..:${unique}`,
    `${unique}.${'x'.repeat(128)}`.slice(0, 128),
  ]);
}

function correlationId(random: Random, unique: string): string | null {
  const uuid = random.uuid();
  return random.pick([
    uuid,
    uuid.toUpperCase(),
    null,
    `';drop/**/table/**/node_registrations;--${unique}`,
    `../../v1/kv/x?recurse=true&dc=${unique}`,
    `%00%2e%2e%2f{env}\${x}<b>"${unique}`,
    `${unique}${'~'.repeat(128)}`.slice(0, 128),
  ]);
}

function endpoints(random: Random): unknown {
  const url = (): string => random.pick(URLS);
  return random.pick([
    undefined,
    {},
    [url()],
    [url(), url(), url()],
    { api: url(), health: url() },
    Object.fromEntries(
      Array.from({ length: random.pick([1, 3, 64]) }, (_, n) => [random.pick(NAMES).slice(0, 60) + n, url()]),
    ),
    JSON.parse(`{"__proto__":${JSON.stringify(url())},"constructor":${JSON.stringify(url())}}`) as unknown,
  ]);
}

function capabilities(random: Random): Readonly<Record<string, unknown>> {
  const names = Array.from({ length: random.pick([0, 1, 5, 256]) }, (_, n) => `${random.pick(NAMES)}${n}`);
  return random.pick([
    { capabilities: names },
    {
      capabilities: null,
      declared_capabilities: JSON.parse('{"__proto__":true,"a":{"constructor":true,"b":[]},"c":7}') as unknown,
    },
    {
      discovered_capabilities: { operations: names.slice(0, 9) },
      contract_capabilities: { capability_tags: ['x'.repeat(128)] },
    },
    {},
  ]);
}

/** More fields, which mean nothing to a registrar. */
function more(random: Random): Readonly<Record<string, unknown>> {
  return random.pick([
    {},
    Object.fromEntries(TEXTS.map((text) => [text, text])),
    { text: 'x'.repeat(random.onceIn(20) ? 200_000 : 2_000) },
    { toJSON: 1, toString: null, deep: JSON.parse('['.repeat(20) + ']'.repeat(20)) as unknown },
  ]);
}

function headers(random: Random): Made['headers'] {
  return Object.fromEntries(
    random.pick([
      [],
      [['instance_id', random.uuid()]],
      [['instance_id', `';--${'~'.repeat(100)}`]],
      [
        ['instance_id', random.bytes(20)],
        ['', random.bytes(9)],
        ['__proto__', ['a', random.bytes(2)]],
        ['traceparent', random.pick(TEXTS)],
      ],
      Array.from({ length: 200 }, (_, n) => [`h${n}`, random.bytes(3)]),
    ]) as [string, Buffer | string | (Buffer | string)[]][],
  );
}

/** Every key once more, and before the right one. */
function wrongBefore(text: string): string {
  const names = Object.keys(JSON.parse(text) as object);
  return names.map((name) => `${JSON.stringify(name)}:7,`).join('');
}

/** JSON in forms that a reader takes: with a byte order mark, Python's NaN, the right one of two keys last. */
function textOf(random: Random, message: object): Buffer {
  const text = JSON.stringify(message);
  return random.pick([
    Buffer.from(text),
    Buffer.from(JSON.stringify(message, null, '\t\r\n ')),
    Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(text)]),
    Buffer.from(text.replace('{', '{"load":NaN,"more":[-Infinity,"NaN"],')),
    Buffer.from(`{${wrongBefore(text)}${text.slice(1)}`),
  ]);
}

/** @param unique what no other node has */
export function oddNode(random: Random, unique: string): OddNode {
  const id = nodeId(random, unique);
  const isUuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id);
  const of = headers(random);
  const correlation_id = correlationId(random, unique);
  const payload = {
    node_id: id,
    node_type: random.pick(TYPES),
    node_version: random.pick(VERSIONS),
    endpoints: endpoints(random),
    reason: random.pick([undefined, null, 'startup', 'STARTUP']),
    epoch: random.pick([undefined, null, 0, 2 ** 31, Number.MAX_SAFE_INTEGER]),
    timestamp: random.pick(TIMES),
    ...capabilities(random),
    ...more(random),
  };
  const message = random.pick([
    { ...payload, correlation_id },
    { payload: { ...payload, correlation_id }, envelope_id: random.pick([random.uuid(), 'no-uuid', null]) },
    { payload, correlation_id, envelope_id: random.uuid() },
  ]);
  const record = (value: Buffer): Made => ({
    key: random.pick([null, Buffer.from(id), random.bytes(5)]),
    value,
    headers: of,
    ...(random.onceIn(5) ? { timestamp: random.pick(RECORD_TIMES) } : {}),
  });
  return {
    node_id: isUuid ? id.toLowerCase() : id,
    introspection: record(textOf(random, message)),
    ack: (correlation) => {
      const ack = { node_id: id, correlation_id: correlation, command_id: random.pick(IDS_OF_COMMANDS) };
      return record(textOf(random, random.pick([ack, { payload: ack }, { ...ack, timestamp: random.pick(TIMES) }])));
    },
    heartbeat: () => {
      const beat = { node_id: id, uptime_seconds: random.pick([1, -1, 'x', null, 1e300]), ...more(random) };
      return record(textOf(random, random.pick([beat, { payload: beat }])));
    },
  };
}
