/** Record batches as a producer writes them, for what a real one does not write. */

interface BatchOptions {
  readonly records: readonly Buffer[];
  /** The codec's number. Default 0: none. */
  readonly codec?: number;
  readonly firstOffset?: bigint;
  /** Default: as many as there are records. */
  readonly count?: number;
  /** Default: the records. */
  readonly body?: Buffer;
}

export function batch({ records, codec = 0, firstOffset = 0n, count = records.length, body }: BatchOptions): Buffer {
  const head = Buffer.alloc(61);
  const rest = body ?? Buffer.concat(records);
  head.writeBigInt64BE(firstOffset, 0);
  head.writeInt32BE(49 + rest.length, 8);
  head.writeInt8(2, 16);
  head.writeInt16BE(codec, 21);
  head.writeInt32BE(Math.max(0, count - 1), 23);
  head.writeBigInt64BE(-1n, 43);
  head.writeInt32BE(count, 57);
  return Buffer.concat([head, rest]);
}

interface RecordOptions {
  readonly delta?: number;
  readonly key?: Buffer | null;
  readonly value?: Buffer | null;
  readonly headers?: readonly (readonly [name: string, value: string])[];
}

export function record({ delta = 0, key = null, value = null, headers = [] }: RecordOptions): Buffer {
  const named = headers.flatMap(([name, of]) => [sized(Buffer.from(name)), sized(Buffer.from(of))]);
  const body = Buffer.concat([
    Buffer.from([0]),
    varint(0),
    varint(delta),
    sized(key),
    sized(value),
    varint(headers.length),
    ...named,
  ]);
  return Buffer.concat([varint(body.length), body]);
}

function sized(bytes: Buffer | null): Buffer {
  return bytes === null ? varint(-1) : Buffer.concat([varint(bytes.length), bytes]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value < 0 ? -2 * value - 1 : 2 * value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest & 0x7f) | 0x80);
  return Buffer.from([...bytes, rest]);
}
