import { ServiceError, type Client } from '@temporalio/client';
import { expect, it } from 'vitest';
import { introspections } from '../../../src/bridge/introspections.js';
import { buildIntrospection } from '../../../src/protocol/introspection.js';
import { currentLogIds } from '../../../src/tracing/log-ids.js';
import { batchOf, bridgeWorld, recordOf, STARTUP } from './support.js';

const CORRELATION_ID = '1e2feb89-414c-443c-9027-c4d1c386bbc4';
const OWN_TRACE = '1e2feb89414c443c9027c4d1c386bbc4';
const GIVEN_TRACE = '5b8efff798038103d269b633813fc60c';

/** A Temporal that refuses every message. */
const refusing = {
  workflow: {
    signalWithStart: () => {
      const cause = Object.assign(new Error('too large'), { code: 3, details: 'too large', metadata: {} });
      return Promise.reject(new ServiceError('Failed', { cause }));
    },
  },
  withDeadline: (_deadline: number, ask: () => Promise<unknown>) => ask(),
} as unknown as Client;

it.each([
  ['that follows from its correlation_id, where it carries none', undefined, OWN_TRACE],
  ['that it carries', `00-${GIVEN_TRACE}-eee19b7ec3c1b174-01`, GIVEN_TRACE],
])('what is logged while a message is handled has its ids, and the trace %s', async (_, traceparent, trace_id) => {
  const send = () => Promise.reject(Object.assign(new Error('too large'), { type: 'MESSAGE_TOO_LARGE' }));
  const { context, entries } = bridgeWorld({ temporalClient: refusing, send });
  const { value } = buildIntrospection({ ...STARTUP, node_id: 'n-1', correlation_id: CORRELATION_ID }, new Date());
  const record = { ...recordOf(value), headers: traceparent === undefined ? {} : { traceparent } };
  await introspections(context)({ ...batchOf([]).batch, records: [record] });
  expect(entries.map(({ msg }) => msg)).toEqual([
    'Temporal refuses the introspection signal of node n-1',
    expect.stringMatching(/^dead_letter takes not even the place of a record/),
  ]);
  for (const entry of entries)
    expect(entry).toMatchObject({ node_id: 'n-1', correlation_id: CORRELATION_ID, trace_id });
  context.logger.info('something else');
  expect(entries.at(-1)).not.toHaveProperty('correlation_id');
  expect(currentLogIds()).toBeNull();
});
