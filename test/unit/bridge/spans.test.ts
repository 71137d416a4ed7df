import { expect, it } from 'vitest';
import { acks } from '../../../src/bridge/acks.js';
import { buildAck } from '../../../src/protocol/ack.js';
import { exportedSpans } from '../tracing/exported-spans.js';
import { fakeTemporal } from './fake-temporal.js';
import { batchOf, bridgeWorld, watermarks } from './support.js';

const exporter = exportedSpans();

it('the span of a message says where it was read, and of which node and attempt it is', async () => {
  const { context } = bridgeWorld({ temporalClient: fakeTemporal().client });
  const { value } = buildAck({ node_id: 'n-1', correlation_id: 'c-1' }, new Date());
  await acks(context, watermarks)(batchOf([value]).batch);
  const [span] = exporter.getFinishedSpans();
  expect(span?.name).toBe('process t');
  expect(span?.attributes).toEqual({
    'messaging.system': 'kafka',
    'messaging.destination.name': 't',
    'messaging.destination.partition.id': '0',
    'messaging.kafka.message.offset': '0',
    'messaging.message.id': expect.any(String) as string,
    'messaging.message.conversation_id': 'c-1',
    'onex.node_id': 'n-1',
  });
});
