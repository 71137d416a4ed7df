import { createAdmin } from './admin.js';
import type { KafkaHandle } from './client.js';
import { patiently, type PatienceOptions } from './patiently.js';

/** Next offset by topic and partition, for a consumer that does not begin where its group left off. */
export type NextOffsets = Map<string, string>;

export function place(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}

/**
 * kafkajs looks for the end of a topic with its first fetch, some time after
 * the group has been joined. Somebody who asks and then waits for the answer
 * would miss it; so the end is noted before.
 */
export async function endsOf(
  kafka: KafkaHandle,
  topics: readonly string[],
  options: PatienceOptions,
): Promise<NextOffsets> {
  const admin = createAdmin(kafka, 'READ');
  try {
    return await patiently(kafka, `cannot ask for the end of ${topics.join(', ')} yet`, options, async () => {
      const positions: NextOffsets = new Map();
      for (const topic of topics)
        for (const { partition, high } of await admin.topicEnds(topic)) positions.set(place(topic, partition), high);
      return positions;
    });
  } finally {
    await admin.close();
  }
}
