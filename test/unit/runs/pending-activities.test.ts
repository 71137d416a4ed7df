import type { WorkflowExecutionDescription } from '@temporalio/client';
import { describe, expect, it } from 'vitest';
import { pendingActivities } from '../../../src/runs/pending-activities.js';

const seconds = (value: number) => ({ seconds: value, nanos: 500_000_000 });
const described = (...pendingActivities: object[]) =>
  ({ raw: { pendingActivities } }) as unknown as WorkflowExecutionDescription;

describe('what a run waits for', () => {
  it('is nothing where Temporal names nothing', () => {
    expect(pendingActivities({ raw: {} })).toEqual([]);
  });

  it('between two tries: how many were made, the backend’s own message, and when the next begins', () => {
    const waiting = {
      activityType: { name: 'consul.register' },
      attempt: 4,
      maximumAttempts: 0,
      lastFailure: { message: 'activity failed', cause: { message: 'connect ECONNREFUSED', cause: { message: null } } },
      lastStartedTime: seconds(90),
      scheduledTime: seconds(10),
      nextAttemptScheduleTime: seconds(108),
    };
    expect(pendingActivities(described(waiting), 100_000)).toEqual([
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

  it('while its first try runs: no failure, and no next try', () => {
    const running = { attempt: 1, maximumAttempts: 5, scheduledTime: seconds(99), lastStartedTime: null };
    expect(pendingActivities(described(running), 100_000)).toEqual([
      { activity: 'an activity', attempt: 1, limit: 5, failure: null, next_at: null, last_at: 99_500, made: 1 },
    ]);
  });

  it('a time that has passed, and one that Temporal leaves empty, are no next try', () => {
    const times = [seconds(99), { seconds: 0, nanos: 0 }, null];
    const due = times.map((nextAttemptScheduleTime) => ({ attempt: 2, nextAttemptScheduleTime }));
    expect(pendingActivities(described(...due), 100_000).map(({ next_at }) => next_at)).toEqual([null, null, null]);
  });
});
