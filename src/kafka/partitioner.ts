import type { ICustomPartitioner } from 'kafkajs';

/** The constants of murmur2, as Java's client has them. */
const SEED = 0x9747b28c;
const M = 0x5bd1e995;

/**
 * Java's and librdkafka's hash of a key, so that everybody agrees on a node's partition. kafkajs has it too, but in
 * numbers that grow with the key: one of 900 KB takes it minutes.
 */
export function murmur2(key: Buffer): number {
  let hash = SEED ^ key.length;
  const whole = key.length - (key.length % 4);
  for (let at = 0; at < whole; at += 4) {
    let word = Math.imul(key.readInt32LE(at), M);
    word = Math.imul(word ^ (word >>> 24), M);
    hash = Math.imul(hash, M) ^ word;
  }
  if (key.length > whole) hash = Math.imul(hash ^ key.readUIntLE(whole, key.length - whole), M);
  hash = Math.imul(hash ^ (hash >>> 13), M);
  return hash ^ (hash >>> 15);
}

/** The partition that is asked for, else the key's, else one after the other. */
export const partitioner: ICustomPartitioner = () => {
  let next = 0;
  return ({ partitionMetadata, message: { partition, key } }) => {
    if (partition !== undefined) return partition;
    if (key !== null && key !== undefined) return (murmur2(Buffer.from(key)) & 0x7fffffff) % partitionMetadata.length;
    const led = partitionMetadata.filter(({ leader }) => leader >= 0);
    const among = led.length > 0 ? led : partitionMetadata;
    next = (next + 1) % among.length;
    return among[next]?.partitionId ?? 0;
  };
};
