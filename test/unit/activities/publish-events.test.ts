import type { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { pino } from 'pino';
import { beforeEach, describe, expect, it } from 'vitest';
import { UNAVAILABLE, type Published } from '../../../activities/api.js';
import { publishEvents } from '../../../activities/publish-events.js';
import { Trace, type TraceLine } from '../../../src/cli/contracts/trace.js';
import { loadContracts } from '../../../src/contracts/load.js';
import { BRIDGE_ACTIONS } from '../../../src/contracts/vocabulary.js';
import type { RecordToSend } from '../../../src/kafka/producer.js';
import { parsePublished, type OutgoingEvent } from '../../../src/protocol/published.js';
import { contractDirectory } from '../contracts/contract-files.js';

const accepted: OutgoingEvent = {
  id: '5dfbd3d1-2c4a-4698-aa2c-a1af6a107b75',
  event_type: 'NodeRegistrationAccepted',
  topic: '{env}.{namespace}.onex.evt.node-registration-accepted.v1',
  node_id: 'abc-123',
  correlation_id: '1e2feb89-414c-443c-9027-c4d1c386bbc4',
  causation_id: '701966a0-c381-488f-b8c0-c8fd8712b8bc',
  payload: {},
  ids_at_top: true,
  stamps: { ack_deadline: 30 },
  tags: { attempt: '1' },
};
const expired: OutgoingEvent = {
  ...accepted,
  id: '701966a0-c381-488f-b8c0-c8fd8712b8bc',
  event_type: 'ModelNodeLivenessExpired',
  topic: '{env}.x',
  payload: { last_heartbeat_at: null },
  ids_at_top: false,
  stamps: {},
};

const silent = new DefaultLogger('ERROR');
const sent: RecordToSend[][] = [];
const logged: { readonly level: number; readonly msg: string; readonly reason?: string }[] = [];
beforeEach(() => {
  sent.length = 0;
  logged.length = 0;
});

function publish(
  events: readonly OutgoingEvent[],
  failure?: Error,
  now?: () => Date,
  environment = new MockActivityEnvironment({}, { logger: silent }),
): Promise<Published> {
  const activity = publishEvents(
    {
      connect: () => Promise.resolve(),
      send: (records) => {
        sent.push([...records]);
        return failure === undefined ? Promise.resolve() : Promise.reject(failure);
      },
      close: () => Promise.resolve(),
    },
    {
      env: 'dev',
      namespace: '',
      deadLetter: { topic: 'dev.dead', event_type: 'Dead', tags: { team: 'fleet' } },
      ...(now === undefined ? {} : { now }),
      log: pino({}, { write: (line: string) => void logged.push(JSON.parse(line) as (typeof logged)[number]) }),
    },
  );
  return environment.run(activity, events);
}

function parsed(record: RecordToSend | undefined) {
  const result = parsePublished(record?.value ?? null);
  return result.ok ? result.event : expect.fail(result.reason);
}

it('sends all events of a call at once, and answers from when their deadlines count', async () => {
  const { sent_at, refused } = await publish([accepted, expired]);
  expect(refused).toEqual([]);
  expect(sent.map((records) => records.map(({ topic, key }) => [topic, key]))).toEqual([
    [
      ['dev.onex.evt.node-registration-accepted.v1', 'abc-123'],
      ['dev.x', 'abc-123'],
    ],
  ]);
  const event = parsed(sent[0]?.[0]);
  expect(event.tags).toEqual({ attempt: '1' });
  expect(Date.parse(String(event.payload.ack_deadline)) - Date.parse(sent_at)).toBe(30_000);
  expect(event.emitted_at).toBe(sent_at);
});

it('events of one send are emitted one after the other: topics are read in any order', async () => {
  const { sent_at } = await publish([accepted, accepted, accepted], undefined, () => new Date('2026-01-31T12:00:00Z'));
  expect(sent_at).toBe('2026-01-31T12:00:00.000Z');
  const events = sent[0]?.map(parsed) ?? [];
  expect(events.map(({ emitted_at }) => emitted_at)).toEqual([
    '2026-01-31T12:00:00.000Z',
    '2026-01-31T12:00:00.001Z',
    '2026-01-31T12:00:00.002Z',
  ]);
  expect(new Set(events.map(({ payload }) => payload.ack_deadline))).toEqual(new Set(['2026-01-31T12:00:30.000Z']));
});

it("counts deadlines from the broker's time, by which acks are in time", async () => {
  const { sent_at } = await publish([accepted], undefined, () => new Date('2026-01-31T12:00:00.000Z'));
  expect(sent_at).toBe('2026-01-31T12:00:00.000Z');
  expect(parsed(sent[0]?.[0])).toMatchObject({
    emitted_at: sent_at,
    payload: { ack_deadline: '2026-01-31T12:00:30.000Z' },
  });
});

it('fails with the words of Kafka while it does not acknowledge, and is worth another try', async () => {
  const failure = await publish([accepted], new Error(`connect ECONNREFUSED ${'x'.repeat(5_000)}`)).then(
    () => expect.fail('it succeeded'),
    (error: unknown) => error as ApplicationFailure,
  );
  expect(failure).toMatchObject({ type: UNAVAILABLE, nonRetryable: false });
  expect(failure.message).toContain('NodeRegistrationAccepted of node abc-123: connect ECONNREFUSED');
  expect(failure.message.length).toBeLessThanOrEqual(1_000);
});

it('a publish that is cancelled before it begins sends nothing', async () => {
  const environment = new MockActivityEnvironment({}, { logger: silent });
  environment.cancel('CANCELLED');
  await expect(publish([accepted, expired], undefined, undefined, environment)).rejects.toThrow('CANCELLED');
  expect(sent).toEqual([]);
});

describe('an event that its schema refuses', () => {
  const wrong: readonly [string, OutgoingEvent, RegExp][] = [
    ['has a field too many', { ...accepted, payload: { surprise: 1 } }, /no field surprise/],
    ['lacks a field', { ...accepted, stamps: {} }, /ack_deadline/],
    ['is of no known type', { ...accepted, event_type: 'NodeSlept' }, /unknown event type NodeSlept/],
    [
      'has a reason that is too long',
      { ...expired, event_type: 'NodeRegistrationRejected', payload: { rejection_reason: 'x'.repeat(1_025) } },
      /rejection_reason/,
    ],
    ['has a stamp beyond all times', { ...accepted, stamps: { ack_deadline: 1e300 } }, /Invalid time/],
  ];
  it.each(wrong)('because it %s becomes a dead letter, and the others are published', async (_, event, reason) => {
    const { refused } = await publish([event, expired]);
    expect(refused).toEqual([{ event_type: event.event_type, reason: expect.stringMatching(reason) as string }]);
    const [letter, other] = sent[0] ?? [];
    expect(parsed(other).event_type).toBe('NodeLivenessExpired');
    expect(letter).toMatchObject({
      topic: 'dev.dead',
      key: Buffer.from('abc-123'),
      headers: {
        event_type: 'Dead',
        team: 'fleet',
        code: 'unpublishable_event',
        reason: refused[0]?.reason,
        node_id: 'abc-123',
        original_event_type: event.event_type,
      },
    });
    expect(JSON.parse(String(letter?.value))).toEqual(event);
    expect(logged).toMatchObject([{ level: 50, reason: refused[0]?.reason }]);
  });

  it('is not logged before Kafka has its dead letter', async () => {
    await expect(publish([{ ...accepted, payload: { surprise: 1 } }], new Error('away'))).rejects.toThrow('away');
    expect(logged).toEqual([]);
  });
});

it('a cause whose id only looks like a UUID is published under one that is, the same each time', async () => {
  const odd = { ...accepted, causation_id: '12345678-1234-1234-1234-123456789012' };
  expect((await publish([odd])).refused).toEqual([]);
  await publish([odd]);
  const [first, second] = sent.map(([record]) => parsed(record).causation_id);
  expect(first).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5/);
  expect(second).toBe(first);
});

describe('the shipped contract', () => {
  let seconds = 0;
  const line = (message: TraceLine['message'], more: object = {}): TraceLine => {
    seconds += 20_000;
    return { at: new Date(1_760_000_000_000 + seconds * 1_000).toISOString(), message, ...more } as TraceLine;
  };
  const accept = () => [
    line('introspection', { capabilities: ['a', 'registration.storage'] }),
    line('backend_ok', { backend: 'consul' }),
    line('backend_ok', { backend: 'postgres' }),
  ];
  const soon = (of: TraceLine): TraceLine => ({
    at: new Date(Date.parse(of.at) + 1_000).toISOString(),
    message: 'ack',
  });
  const activated = () => {
    const lines = accept();
    return [...lines, ...lines.slice(-1).map(soon)];
  };

  /** Everything that a life publishes, as the core makes it. */
  function published(lines: readonly TraceLine[], directory?: string): readonly OutgoingEvent[] {
    const trace = new Trace(loadContracts(directory).compiled);
    for (const each of lines) trace.step(each);
    return trace.published;
  }

  it('has no event that its schema refuses, in any state in which it is published', async () => {
    const longReason = contractDirectory({
      orchestrator: 'admission: [{ require: "node_version at_least 2.0.0", reason: "not with {capabilities}" }]',
    });
    const manyCapabilities = Array.from({ length: 60 }, (_, index) => `capability.${index}.${'x'.repeat(40)}`);
    const events = [
      ...published([...activated(), line('deadline')]),
      ...published([...activated(), line('introspection', { reason: 'shutdown' })]),
      ...published([...activated(), line('drain', { why: 'y'.repeat(2_000) }), line('undrain')]),
      ...published([...activated(), line('evict')]),
      ...published([...accept(), line('deadline'), line('deadline'), line('deadline')]),
      ...published([line('introspection', { capabilities: manyCapabilities })], longReason),
    ];
    const { refused } = await publish(events);
    expect(refused).toEqual([]);
    expect(sent[0]?.map(parsed)).toHaveLength(events.length);
    const bridges: readonly string[] = BRIDGE_ACTIONS;
    const { events: templates } = loadContracts().compiled;
    const own = Object.entries(templates).flatMap(([action, { event_type }]) =>
      bridges.includes(action) ? [] : [event_type],
    );
    expect(new Set(events.map(({ event_type }) => event_type))).toEqual(new Set(own));
  });
});
