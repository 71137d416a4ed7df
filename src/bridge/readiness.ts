import type { Subscription } from '../kafka/consumer.js';
import type { Stream } from './streams.js';

/** Longer than a group waits for a member that was killed (10 s): when the others divide the work, they are ready. */
const READ_WITHIN_MS = 15_000;

/** Why a bridge does not read; null while it does. The subscriptions are those of the streams, in their order. */
export function whyNotReading(
  streams: readonly Pick<Stream, 'topics'>[],
  subscriptions: readonly Pick<Subscription, 'stalledMs'>[],
): string | null {
  const stalled = streams.flatMap(({ topics }, index) => {
    const ms = subscriptions[index]?.stalledMs() ?? Infinity;
    return ms > READ_WITHIN_MS ? [`${topics.join(', ')} for ${Math.round(ms / 1_000)} s`] : [];
  });
  if (stalled.length === 0) return null;
  return (
    `it has not got on with ${stalled.join('; ')}: Kafka does not answer, or a server that the records need; ` +
    'registrar doctor says which'
  );
}
