import { createRequire } from 'node:module';
import type Decoder from 'kafkajs/src/protocol/decoder.js';
import { decodeRecordBatches, isOfAnOlderFormat } from './record-batches.js';

const FETCHED_MESSAGES = 'kafkajs/src/protocol/requests/fetch/v4/decodeMessages.js';

/**
 * kafkajs 2.2.4 decodes what it has fetched in a way that lets one record end or hang the process: it knows only gzip;
 * whatever is wrong with a batch fails the whole fetch, for good; more than about 120,000 records in a batch overflow
 * its stack; the time for a record's headers grows with the square of their number; and a megabyte may become a
 * gigabyte. So our own decoder stands in its place. kafkajs loads that one file with its first fetch.
 */
export function decodeFetchedRecords(): void {
  const require = createRequire(import.meta.url);
  const original = require(FETCHED_MESSAGES) as (decoder: Decoder) => Promise<unknown[]>;
  const loaded = require.cache[require.resolve(FETCHED_MESSAGES)];
  if (loaded === undefined) throw new Error(`${FETCHED_MESSAGES} is not there: is kafkajs another version than 2.2.4?`);
  loaded.exports = async (decoder: Decoder): Promise<unknown[]> => {
    const size = decoder.buffer.readInt32BE(decoder.offset);
    const from = decoder.offset + 4;
    const bytes = decoder.buffer.subarray(from, from + Math.max(0, size));
    if (bytes.length < size || isOfAnOlderFormat(bytes)) return original(decoder);
    decoder.forward(4 + bytes.length);
    return decodeRecordBatches(bytes);
  };
}
