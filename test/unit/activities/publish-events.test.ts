import type { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { expect, it } from 'vitest';
import { UNAVAILABLE, type Published } from '../../../activities/api.js';
import { publishEvents } from '../../../activities/publish-events.js';
import type { RecordToSend } from '../../../src/kafka/producer.js';
import { parsePublished, type OutgoingEvent } from '../../../src/protocol/published.js';

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

const quiet = new DefaultLogger('ERROR');

function publish(
  send: (records: readonly RecordToSend[]) => Promise<void>,
  ...events: OutgoingEvent[]
): Promise<Published> {
  const activity = publishEvents(
    { connect: () => Promise.resolve(), send, close: () => Promise.resolve() },
    { env: 'dev', namespace: '' },
  );
  return new MockActivityEnvironment({}, { logger: quiet }).run(activity, events);
}

it('sends all events of a call at once, and answers from when their deadlines count', async () => {
  const sent: (readonly RecordToSend[])[] = [];
  const { sent_at } = await publish(
    (records) => {
      sent.push(records);
      return Promise.resolve();
    },
    accepted,
    {
      ...accepted,
      id: '701966a0-c381-488f-b8c0-c8fd8712b8bc',
      event_type: 'ModelNodeLivenessExpired',
      topic: '{env}.x',
      payload: { last_heartbeat_at: null },
      stamps: {},
    },
  );
  expect(sent).toHaveLength(1);
  expect(sent[0]?.map(({ topic, key }) => [topic, key])).toEqual([
    ['dev.onex.evt.node-registration-accepted.v1', 'abc-123'],
    ['dev.x', 'abc-123'],
  ]);
  const parsed = parsePublished(sent[0]?.[0]?.value ?? null);
  if (!parsed.ok) throw new Error(parsed.reason);
  expect(parsed.event.tags).toEqual({ attempt: '1' });
  expect(Date.parse(String(parsed.event.payload.ack_deadline)) - Date.parse(sent_at)).toBe(30_000);
  expect(parsed.event.emitted_at).toBe(sent_at);
});

it('says what Kafka said when it does not take them, and is worth another try', async () => {
  const failure = await publish(() => Promise.reject(new Error('connect ECONNREFUSED')), accepted).then(
    () => expect.fail('it succeeded'),
    (error: unknown) => error as ApplicationFailure,
  );
  expect(failure).toMatchObject({ type: UNAVAILABLE, nonRetryable: false });
  expect(failure.message).toContain('NodeRegistrationAccepted of node abc-123: connect ECONNREFUSED');
});

it('does not send an event that no node would understand', async () => {
  await expect(publish(() => expect.fail('it was sent'), { ...accepted, payload: { surprise: 1 } })).rejects.toThrow(
    'no field surprise',
  );
});

it('publishes nothing once it is cancelled: something newer has superseded these events', async () => {
  const sent: (readonly RecordToSend[])[] = [];
  const send = (records: readonly RecordToSend[]) => Promise.resolve(void sent.push(records));
  const producer = { connect: () => Promise.resolve(), send, close: () => Promise.resolve() };
  const environment = new MockActivityEnvironment({}, { logger: quiet });
  environment.cancel('CANCELLED');
  await expect(environment.run(publishEvents(producer, { env: 'dev', namespace: '' }), [accepted])).rejects.toThrow(
    'CANCELLED',
  );
  expect(sent).toEqual([]);
});
