import { gunzipSync } from 'node:zlib';
import { decompressFrameSync } from 'lz4-napi';
import { uncompressSync } from 'snappy';
import { ZSTDDecoder } from 'zstddec';
import { errorText } from '../../error-text.js';

/** Zstandard's own code as WebAssembly: decoders in JavaScript go round for ever on some odd bytes. */
const zstd = new ZSTDDecoder();
await zstd.init();

/**
 * The codecs of a record batch, by the number that its attributes hold. Honest batches have at most some MB: what would
 * grow beyond the limit is refused before it fills the memory, since a megabyte can hold a gigabyte of zeros.
 */
const CODECS: Readonly<Record<number, { readonly name: string; readonly decompress: Decompressor }>> = {
  1: { name: 'gzip', decompress: (bytes, limit) => gunzipSync(bytes, { maxOutputLength: limit }) },
  2: { name: 'snappy', decompress: unsnappy },
  3: { name: 'lz4', decompress: unlz4 },
  4: { name: 'zstd', decompress: unzstd },
};

type Decompressor = (bytes: Buffer, limit: number) => Buffer;

/**
 * The records of a batch as they were before they were compressed.
 *
 * @param codec the number in the batch's attributes; 0: not compressed
 * @param limit most bytes that may come out
 * @throws Error that names the codec
 */
export function decompressed(bytes: Buffer, codec: number, limit: number): Buffer {
  if (codec === 0) return bytes;
  const known = CODECS[codec];
  if (known === undefined) throw new Error(`compressed by an unknown codec, number ${codec}`);
  try {
    return known.decompress(bytes, limit);
  } catch (error) {
    throw new Error(`cannot be decompressed (${known.name}): ${errorText(error)}`, { cause: error });
  }
}

function tooLarge(limit: number): Error {
  return new Error(`more than ${limit} bytes come out of it`);
}

/** What Java's snappy library puts before its blocks; other clients send one block without it. */
const XERIAL = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0]);
/** The magic bytes, a version and the lowest compatible one. */
const XERIAL_HEADER = 16;

function unsnappy(bytes: Buffer, limit: number): Buffer {
  const blocks: Buffer[] = [];
  let total = 0;
  const add = (block: Buffer): void => {
    total += snappyLength(block);
    if (total > limit) throw tooLarge(limit);
    blocks.push(uncompressSync(block, { asBuffer: true }) as Buffer);
  };
  if (!bytes.subarray(0, XERIAL.length).equals(XERIAL)) add(bytes);
  else
    for (let at = XERIAL_HEADER; at < bytes.length;) {
      const size = bytes.readInt32BE(at);
      add(bytes.subarray(at + 4, at + 4 + size));
      at += 4 + Math.max(0, size);
    }
  return Buffer.concat(blocks);
}

/** The length of what is in a block, which stands at its head: a little-endian number of seven bits a byte. */
function snappyLength(block: Buffer): number {
  let length = 0;
  for (let index = 0; index < 5; index += 1) {
    const byte = block.readUInt8(index);
    length += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return length;
  }
  throw new Error('no length at the head of a block');
}

/** Largest block of a frame, by the number in its descriptor. */
const LZ4_BLOCKS: Readonly<Record<number, number>> = { 4: 64 << 10, 5: 256 << 10, 6: 1 << 20, 7: 4 << 20 };

function unlz4(bytes: Buffer, limit: number): Buffer {
  if (lz4Bound(bytes) > limit + (4 << 20)) throw tooLarge(limit);
  const whole = decompressFrameSync(bytes);
  if (whole.length > limit) throw tooLarge(limit);
  return whole;
}

/** More cannot be in a frame: every block counts as a full one. */
function lz4Bound(frame: Buffer): number {
  const flags = frame.readUInt8(4);
  const largest = LZ4_BLOCKS[(frame.readUInt8(5) >> 4) & 7] ?? 0;
  const [hasBlockChecksums, hasSize, hasDictionary] = [0x10, 0x08, 0x01].map((bit) => (flags & bit) !== 0);
  let at = 7 + (hasSize === true ? 8 : 0) + (hasDictionary === true ? 4 : 0);
  let bound = 0;
  while (at + 4 <= frame.length) {
    const size = frame.readUInt32LE(at) & 0x7fffffff;
    if (size === 0) break;
    bound += largest;
    at += 4 + size + (hasBlockChecksums === true ? 4 : 0);
  }
  return bound;
}

function unzstd(bytes: Buffer, limit: number): Buffer {
  const bound = zstdBound(bytes);
  // The library would believe the frame's own size instead. A batch of records is never empty.
  if (bound === 0) throw new Error('nothing is in its frames');
  const most = Math.min(bound, limit);
  const whole = zstd.decode(bytes, most);
  // The library hands out nothing where Zstandard reports an error.
  if (whole.length === 0 || whole.length > most)
    throw bound > limit ? tooLarge(limit) : new Error('its frames are malformed');
  return Buffer.from(whole.buffer, whole.byteOffset, whole.length);
}

const ZSTD_FRAME = 0xfd2fb528;
/** The last four bits are the user's. */
const ZSTD_SKIPPABLE = 0x184d2a50;
/** A compressed block has at most this many bytes in it. */
const ZSTD_BLOCK = 128 << 10;

/** More cannot be in these frames: every compressed block counts as a full one (RFC 8878, 3.1). */
function zstdBound(bytes: Buffer): number {
  let bound = 0;
  for (let at = 0; at < bytes.length;) {
    const magic = bytes.readUInt32LE(at);
    if ((magic & ~0xf) >>> 0 === ZSTD_SKIPPABLE) {
      at += 8 + bytes.readUInt32LE(at + 4);
      continue;
    }
    if (magic !== ZSTD_FRAME) throw new Error('no zstd frame');
    const descriptor = bytes.readUInt8(at + 4);
    at += 5 + zstdHeaderRest(descriptor);
    for (let isLast = false; !isLast;) {
      const block = bytes.readUIntLE(at, 3);
      const [type, size] = [(block >> 1) & 3, block >> 3];
      isLast = (block & 1) === 1;
      bound += type === 2 ? ZSTD_BLOCK : size;
      at += 3 + (type === 1 ? 1 : size);
    }
    if ((descriptor & 4) !== 0) at += 4;
  }
  return bound;
}

/** Bytes of a frame's header after its descriptor: the window, the dictionary's id and the size of the content. */
function zstdHeaderRest(descriptor: number): number {
  const hasWindow = (descriptor & 0x20) === 0;
  const content = [hasWindow ? 0 : 1, 2, 4, 8][descriptor >> 6] ?? 0;
  return (hasWindow ? 1 : 0) + ([0, 1, 2, 4][descriptor & 3] ?? 0) + content;
}
