import { Client, type WorkflowExecutionDescription } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { Encryption } from '../../../src/payloads/encryption.js';
import { pendingActivities } from '../../../src/runs/pending-activities.js';

const seconds = (value: number) => ({ seconds: value, nanos: 500_000_000 });
const described = (...pendingActivities: object[]) =>
  ({ raw: { pendingActivities } }) as unknown as WorkflowExecutionDescription;

const client = new Client();

describe('what a run waits for', () => {
  it('is nothing where Temporal names nothing', async () => {
    expect(await pendingActivities(client, { raw: {} })).toEqual([]);
  });

  it('between two tries: how many were made, the backend’s own message, and when the next begins', async () => {
    const waiting = {
      activityType: { name: 'consul.register' },
      attempt: 4,
      maximumAttempts: 0,
      lastFailure: { message: 'activity failed', cause: { message: 'connect ECONNREFUSED', cause: { message: null } } },
      lastStartedTime: seconds(90),
      scheduledTime: seconds(10),
      nextAttemptScheduleTime: seconds(108),
    };
    expect(await pendingActivities(client, described(waiting), 100_000)).toEqual([
      {
        activity: 'consul.register',
        attempt: 4,
        limit: null,
        failure: 'connect ECONNREFUSED',
        next_at: 108_500,
        last_at: 90_500,
        made: 3,
      },
    ]);
  });

  it('while its first try runs: no failure, and no next try', async () => {
    const running = { attempt: 1, maximumAttempts: 5, scheduledTime: seconds(99), lastStartedTime: null };
    expect(await pendingActivities(client, described(running), 100_000)).toEqual([
      { activity: 'an activity', attempt: 1, limit: 5, failure: null, next_at: null, last_at: 99_500, made: 1 },
    ]);
  });

  it('a time that has passed, and one that Temporal leaves empty, are no next try', async () => {
    const times = [seconds(99), { seconds: 0, nanos: 0 }, null];
    const due = times.map((nextAttemptScheduleTime) => ({ attempt: 2, nextAttemptScheduleTime }));
    const pending = await pendingActivities(client, described(...due), 100_000);
    expect(pending.map(({ next_at }) => next_at)).toEqual([null, null, null]);
  });
});

describe('where what Temporal stores is encrypted', () => {
  const codec = new Encryption({ current: 'a', keys: new Map([['a', Buffer.alloc(32, 1)]]) });
  const failed = async () => {
    const [encodedAttributes] = await codec.encode([defaultPayloadConverter.toPayload({ message: 'connect refused' })]);
    return described({ attempt: 2, lastFailure: { message: 'Encoded failure', encodedAttributes } });
  };

  it('who has the keys reads the backend’s own message', async () => {
    const keyed = new Client({ dataConverter: { payloadCodecs: [codec] } });
    expect(await pendingActivities(keyed, await failed())).toMatchObject([{ failure: 'connect refused' }]);
  });

  it('who has other keys reads why there is no message', async () => {
    const other = new Encryption({ current: 'b', keys: new Map([['b', Buffer.alloc(32, 2)]]) });
    const keyed = new Client({ dataConverter: { payloadCodecs: [other] } });
    expect(await pendingActivities(keyed, await failed())).toMatchObject([
      { failure: expect.stringMatching(/encrypted, and cannot be read here: .* key 'a'/) as string },
    ]);
  });

  it('who has no keys reads that it is encrypted', async () => {
    expect(await pendingActivities(client, await failed())).toMatchObject([
      { failure: 'its message is encrypted, and cannot be read here: Unknown encoding: binary/encrypted' },
    ]);
  });
});
