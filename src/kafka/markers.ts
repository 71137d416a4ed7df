import type { IHeaders } from 'kafkajs';
import type { RecordToSend } from './producer.js';

/**
 * A marker is a record without a value that a bridge sends into an idle partition and reads back: the broker takes
 * records of its size, and everything that was sent before it has been read. No reader is given one (consumer.ts).
 */
const HEADER = 'registrar-marker';

/**
 * @param id by which its sender recognises it; no spaces
 * @param bytes the least size of the record
 */
export function marker(topic: string, partition: number, id: string, bytes: number): RecordToSend {
  return { topic, partition, key: null, value: null, headers: { [HEADER]: id.padEnd(bytes, ' ') } };
}

/** The id of a marker; null for any other record. */
export function markerId(headers: IHeaders | undefined, value: Buffer | null): string | null {
  const header = headers?.[HEADER];
  if (header === undefined || value !== null) return null;
  return String(Array.isArray(header) ? header[0] : header).trimEnd();
}
