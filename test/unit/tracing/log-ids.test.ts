import { Context } from '@temporalio/activity';
import type { Headers } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { expect, it } from 'vitest';
import { loggerTo } from '../../../src/json-logger.js';
import { receiveLogIds, sendLogIds } from '../../../src/tracing/carry-log-ids.js';
import { withLogIds } from '../../../src/tracing/log-ids.js';

const IDS = { node_id: 'n-1', correlation_id: 'c-1', trace_id: '5b8efff798038103d269b633813fc60c' };

function recorder() {
  const entries: Record<string, unknown>[] = [];
  const write = (line: string): void => void entries.push(JSON.parse(line) as Record<string, unknown>);
  return { entries, logger: loggerTo({ write }) };
}

/** The headers of a signal that is sent now. */
async function signalHeaders(): Promise<Headers> {
  let sent: Headers = {};
  await sendLogIds.signal?.({ headers: {} } as never, ({ headers }) => Promise.resolve(void (sent = headers)));
  return sent;
}

/** Runs an activity of node n-1's run, to which these headers have come. */
function activity(headers: Headers, run: () => Promise<unknown>): Promise<unknown> {
  const workflowExecution = { workflowId: 'registration/n-1', runId: 'r' };
  return new MockActivityEnvironment({ workflowExecution }).run(async () =>
    receiveLogIds(Context.current()).inbound?.execute?.({ headers, args: [] }, run),
  );
}

it('what an activity logs has the ids of the message that has led to it', async () => {
  const { entries, logger } = recorder();
  const headers = await withLogIds(IDS, signalHeaders);
  await activity(headers, async () => {
    await new Promise((resolve) => setImmediate(resolve));
    logger.warn('a backend refuses it');
  });
  logger.info('afterwards');
  expect(entries[0]).toMatchObject({ ...IDS, msg: 'a backend refuses it' });
  expect(entries[1]).not.toHaveProperty('node_id');
});

it('and of its node alone where no message has led to it', async () => {
  const { entries, logger } = recorder();
  const headers = await signalHeaders();
  expect(headers).toEqual({});
  await activity(headers, () => Promise.resolve(logger.info('x')));
  expect(entries[0]).toMatchObject({ node_id: 'n-1' });
  expect(entries[0]).not.toHaveProperty('correlation_id');
});

it('what goes on after a message was handled is about nobody', async () => {
  const { entries, logger } = recorder();
  const later = await withLogIds(IDS, () =>
    Promise.resolve({ logged: new Promise<void>((resolve) => setTimeout(() => resolve(logger.info('later')), 20)) }),
  );
  await later.logged;
  expect(entries[0]).not.toHaveProperty('node_id');
});

it('a line’s own ids count before those of what is handled', async () => {
  const { entries, logger } = recorder();
  await withLogIds(IDS, () => Promise.resolve(logger.info({ node_id: 'n-2' }, 'x')));
  expect(entries[0]).toMatchObject({ node_id: 'n-2', correlation_id: 'c-1' });
});
