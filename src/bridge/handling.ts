import type { LimitFunction } from 'p-limit';
import type { IncomingRecord, RecordBatch } from '../kafka/consumer.js';
import { traceIdIn, traceparentOf } from '../protocol/trace.js';
import { withLogIds } from '../tracing/log-ids.js';
import { processInSpan, type TracedRecord } from '../tracing/span.js';
import type { StreamKind } from './bridge-topics.js';
import type { BridgeContext } from './context.js';
import type { RefusedRecord } from './dead-letters.js';
import { inOrderPerKey, type Keyed } from './in-order.js';
import type { Understood } from './understand.js';

/** How the records of one kind of message are handled. */
export interface Handling<Message> {
  readonly kind: StreamKind;
  readonly read: (record: IncomingRecord) => Understood<Message>;
  /** @returns why this message cannot be applied at all, else null */
  readonly apply: (message: Message) => Promise<string | null>;
  /** Messages applied at once. */
  readonly limit: LimitFunction;
  /** A record is applied, or among the dead letters. */
  readonly done: (record: IncomingRecord) => void;
}

interface MessageOfNode {
  readonly node_id: string;
  readonly correlation_id: string;
  readonly message_id: string;
  readonly instance_id?: string;
}

/** Dead letters written before their records are done. */
const AT_ONCE = 500;

/**
 * Records for nodes' workflows. Each message is applied in its node's turn. What nobody can read becomes dead letters,
 * many with each send: a sender of nothing else must not slow down the nodes.
 */
export async function handleEach<Message extends MessageOfNode>(
  { deadLetters, signing }: Pick<BridgeContext, 'deadLetters' | 'signing'>,
  batch: RecordBatch,
  { kind, read, apply, limit, done }: Handling<Message>,
): Promise<void> {
  const goOn = (): boolean => batch.isRunning() && !batch.signal.aborted;
  const refused: RefusedRecord[] = [];
  const messages: Keyed[] = [];
  const put = async (letters: readonly RefusedRecord[]): Promise<void> => {
    await deadLetters.put(letters, batch.signal);
    for (const { record } of letters) done(record);
  };
  const handle = async (record: IncomingRecord, message: Message, traceparent: string): Promise<void> => {
    const checked = await signing?.check(kind, record, message, batch.signal);
    if (checked?.outcome === 'refused') return put([{ record, code: 'not_from_its_node', reason: checked.reason }]);
    if (checked?.outcome === 'handled') return done(record);
    const reason = await processInSpan(traced(record, message, traceparent), () => apply(message));
    if (reason !== null) return put([{ record, code: 'refused_by_temporal', reason }]);
    await checked?.keep();
    done(record);
  };
  for (const record of batch.records) {
    const understood = read(record);
    if (!understood.ok) {
      refused.push({ record, code: understood.code, reason: understood.reason });
      continue;
    }
    const { message } = understood;
    messages.push({
      key: message.node_id,
      run() {
        const { node_id, correlation_id, message_id } = message;
        const traceparent = traceparentOf(record.headers['traceparent']?.toString(), correlation_id, message_id);
        const ids = { node_id, correlation_id, trace_id: traceIdIn(traceparent) };
        return withLogIds(ids, () => handle(record, message, traceparent));
      },
    });
  }
  const putAll = async (): Promise<void> => {
    for (let at = 0; at < refused.length && goOn(); at += AT_ONCE) await put(refused.slice(at, at + AT_ONCE));
  };
  // Both end before a failure is reported: nothing goes on behind the caller's back.
  for (const result of await Promise.allSettled([putAll(), inOrderPerKey(messages, limit, goOn)]))
    if (result.status === 'rejected') throw result.reason;
}

/** What a span about this record says. */
function traced(
  { topic, partition, offset }: IncomingRecord,
  { node_id, correlation_id, message_id }: MessageOfNode,
  traceparent: string,
): TracedRecord {
  return {
    name: `process ${topic}`,
    traceparent,
    attributes: {
      'messaging.destination.name': topic,
      'messaging.destination.partition.id': String(partition),
      'messaging.kafka.message.offset': offset,
      'messaging.message.id': message_id,
      'messaging.message.conversation_id': correlation_id,
      'onex.node_id': node_id,
    },
  };
}
