import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { IncomingRecord } from '../../../src/kafka/consumer.js';
import { fromInstance } from '../../../src/protocol/instance.js';
import type { OutgoingRecord } from '../../../src/protocol/envelope.js';
import { signRecord, type ToSign } from '../../../src/protocol/signature.js';

/** A new private Ed25519 key. */
export const newKey = (): KeyObject => generateKeyPairSync('ed25519').privateKey;

const INSTANCE = 'p-1';

/** A message of process p-1, signed. */
export function signed(
  record: OutgoingRecord,
  key: KeyObject,
  number: number,
  more: Partial<Omit<ToSign, 'key' | 'number'>> = {},
): OutgoingRecord {
  const instance_id = more.instance_id ?? INSTANCE;
  return signRecord(fromInstance(record, instance_id), {
    topic: 't',
    introduces: false,
    ...more,
    instance_id,
    key,
    number,
  });
}

/** A record as a consumer reads it. */
export function asRead({ key, value, headers }: OutgoingRecord, offset: number, topic = 't'): IncomingRecord {
  return {
    topic,
    partition: 0,
    offset: String(offset),
    timestamp: Date.now(),
    isBrokersTime: true,
    key: Buffer.from(key),
    value,
    headers: Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)])),
  };
}
