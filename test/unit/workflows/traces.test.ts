import type { Headers } from '@temporalio/common';
import { expect, it } from 'vitest';
import { interceptors } from '../../../workflows/traces.js';
import { LOG_IDS_HEADER } from '../../../src/protocol/log-ids-header.js';

const payload = (text: string) => ({ data: Buffer.from(text) });

it('an activity gets the trace and the ids of log lines that came last, each by itself', async () => {
  const { inbound = [], outbound = [] } = interceptors();
  const signal = async (headers: Headers): Promise<void> =>
    inbound[0]?.handleSignal?.({ headers } as never, () => Promise.resolve());
  const activityHeaders = async (): Promise<Headers> => {
    let got: Headers = {};
    await outbound[0]?.scheduleActivity?.({ headers: {} } as never, ({ headers }) => Promise.resolve((got = headers)));
    return got;
  };
  expect(await activityHeaders()).toEqual({});
  await signal({ [LOG_IDS_HEADER]: payload('1'), '_tracer-data': payload('trace'), other: payload('x') });
  await signal({ [LOG_IDS_HEADER]: payload('2') });
  await signal({});
  expect(await activityHeaders()).toEqual({ [LOG_IDS_HEADER]: payload('2'), '_tracer-data': payload('trace') });
});
