import { causesOf, KafkaRefusal, topicOf, typeOf } from './access/kafka-refusal.js';

/**
 * What it means that Kafka has refused the names of new topics; undefined where it has not. Kafka says no more than
 * that a name is invalid.
 *
 * @param existing topics that are there, as far as this client may see them
 */
export function namesRefused(error: unknown, existing: ReadonlySet<string>): KafkaRefusal | undefined {
  const refused = causesOf(error).filter((one) => typeOf(one) === 'INVALID_TOPIC_EXCEPTION');
  const names = refused.flatMap(topicOf);
  const [first] = names;
  if (first === undefined) return undefined;
  const others = names.length === 1 ? '' : ` and ${names.length - 1} more`;
  const rival = [...existing].find((topic) => topic !== first && asOne(topic) === asOne(first));
  return new KafkaRefusal(
    rival === undefined
      ? `it takes no topic ${first}${others}: a name has at most 249 of the characters a-z, A-Z, 0-9, ".", "_" and ` +
          '"-", and another topic, which this user may not see, may differ from it only by "." and "_"'
      : `it takes no topic ${first}${others} beside ${rival}, which is there: names that differ only by "." and "_" ` +
          'are the same to it',
    'Set REGISTRAR_ENV or REGISTRAR_NAMESPACE to another name; what the contracts call the topics counts, too',
    error,
  );
}

/** Kafka names its metrics by topics, with "_" for each ".". */
function asOne(topic: string): string {
  return topic.replaceAll('.', '_');
}
