import type { Client } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { loadContracts } from '../../../src/contracts/load.js';
import { finishedTries } from '../../../src/runs/finished-tries.js';
import type { StepView } from '../../../src/server/api/node.js';
import { withFailedTries } from '../../../src/server/node/failed-tries.js';

const contract = loadContracts().compiled;
const client = {
  options: { loadedDataConverter: { payloadConverter: defaultPayloadConverter, payloadCodecs: [] } },
} as unknown as Pick<Client, 'options'>;

const time = (seconds: number) => ({ seconds, nanos: 5_000_000 });
const scheduled = (eventId: number, name: string) => ({
  eventId,
  eventTime: time(eventId),
  activityTaskScheduledEventAttributes: { activityType: { name } },
});
const started = (eventId: number, scheduledEventId: number, attempt: number, message: string | null) => ({
  eventId,
  eventTime: time(100 + eventId),
  activityTaskStartedEventAttributes: {
    scheduledEventId,
    attempt,
    lastFailure: message === null ? null : { message: 'activity failed', cause: { message } },
  },
});

describe('activities that took several tries', () => {
  it('are read from a history, with the backend’s own words', async () => {
    const history = [
      scheduled(5, 'consul.register'),
      scheduled(6, 'postgres.upsert_registration'),
      started(7, 6, 1, null),
      started(9, 5, 4, 'No cluster leader'),
    ];
    expect(await finishedTries(client, history)).toEqual([
      { activity: 'consul.register', tries: 4, last_at: 109_005, failure: 'No cluster leader' },
    ]);
  });

  const step = (at: number, text: string): StepView => ({
    at,
    kind: 'state',
    lane: 'state',
    text,
    detail: null,
    words: null,
    state: null,
  });
  const steps = [step(100_000, 'began'), step(110_000, 'confirmed')];
  const finished = { activity: 'consul.register', tries: 3, last_at: 109_000, failure: 'No cluster leader' };

  it('stand among the steps where the last of them failed, on the line of their backend', () => {
    const [, failed, ...rest] = withFailedTries(steps, [finished], contract);
    expect(rest).toEqual([steps[1]]);
    expect(failed).toMatchObject({
      kind: 'failed',
      lane: 'consul',
      text: 'Consul: 2 tries failed',
      detail: expect.stringMatching(/^since about 00:01:4\d UTC$/) as string,
      words: 'No cluster leader',
    });
    expect(failed?.at).toBeGreaterThan(100_000);
    expect(failed?.at).toBeLessThan(109_000);
  });

  it('of an activity that is none of the contract’s effects are named by it', () => {
    const [, failed] = withFailedTries(steps, [{ ...finished, activity: 'publish_events', tries: 2 }], contract);
    expect(failed).toMatchObject({ lane: null, text: 'publish_events: 1 try failed', detail: null });
  });

  it('of an attempt before are not shown among the steps of this one', () => {
    expect(withFailedTries(steps, [{ ...finished, last_at: 99_000 }], contract)).toEqual(steps);
    expect(withFailedTries([], [finished], contract)).toEqual([]);
  });
});
