import pLimit from 'p-limit';
import { INTROSPECTION_SIGNAL } from '../../workflows/messages.js';
import type { RecordBatch } from '../kafka/consumer.js';
import { parseIntrospection, type Introspection } from '../protocol/introspection.js';
import type { BridgeContext } from './context.js';
import { handleEach } from './handling.js';
import { RecentIntrospections } from './recent-introspections.js';
import { timed } from './record-times.js';
import { signalWorkflow } from './signal-workflow.js';
import { understand } from './understand.js';

/**
 * Signals in flight at once, over all partitions: so many keep a server busy. More leave it no room for the workers'
 * own calls, and a fleet that starts at once would then only begin its registrations. Measured with 64: a server that
 * managed 3 registrations a second managed 0.5 of a burst; half of its calls timed out and were made again.
 */
const IN_FLIGHT = 16;

/**
 * Introspections signal their nodes' workflows, and start those that have no run.
 * Nodes do not wait for each other; the messages of one node stay in order. A repeat
 * of what its workflow was just signalled is left out.
 */
export function introspections(context: BridgeContext): (batch: RecordBatch) => Promise<void> {
  const limit = pLimit(IN_FLIGHT);
  const recent = new RecentIntrospections();
  return (batch) =>
    handleEach(context, batch, {
      kind: 'introspections',
      read: (record) => understand(record, () => parseIntrospection(record.value, timed(record))),
      apply: (message) => apply(context, message, recent, batch.signal),
      limit,
      done: (record) => batch.done(record),
    });
}

/** Returns why this introspection cannot be applied at all, else null. */
async function apply(
  context: BridgeContext,
  message: Introspection,
  recent: RecentIntrospections,
  signal: AbortSignal,
): Promise<string | null> {
  if (recent.has(message)) {
    context.counters.introspections_repeated += 1;
    return null;
  }
  if (context.bans.holdsBack(message)) {
    context.counters.introspections_of_banned_nodes += 1;
    return null;
  }
  const delivery = { name: INTROSPECTION_SIGNAL, args: [message], starts: message };
  const result = await signalWorkflow(context, message.node_id, delivery, signal);
  if (result.outcome === 'refused') return result.reason;
  recent.add(message);
  context.counters.introspections += 1;
  return null;
}
