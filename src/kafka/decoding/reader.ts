/** Reads the numbers and byte strings of Kafka's record format, and never beyond the end of its bytes. */
export class Reader {
  #at = 0;

  constructor(private readonly bytes: Buffer) {}

  get left(): number {
    return this.bytes.length - this.#at;
  }

  int8(): number {
    return this.bytes.readInt8(this.#skip(1));
  }

  int16(): number {
    return this.bytes.readInt16BE(this.#skip(2));
  }

  int32(): number {
    return this.bytes.readInt32BE(this.#skip(4));
  }

  /** Beyond 2^53 it is as near as a number of JavaScript comes; no offset is there. */
  int64(): number {
    return Number(this.bytes.readBigInt64BE(this.#skip(8)));
  }

  /** A number in zigzag form, seven bits a byte, of at most 32 bits. */
  varint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.bytes.readUInt8(this.#skip(1));
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1);
    }
    throw new Error('a number has more than 5 bytes');
  }

  /** The same of at most 64 bits; beyond 2^53 it is as near as a number of JavaScript comes. */
  varlong(): number {
    let value = 0;
    for (let index = 0; index < 10; index += 1) {
      const byte = this.bytes.readUInt8(this.#skip(1));
      value += (byte & 0x7f) * 2 ** (7 * index);
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    }
    throw new Error('a number has more than 10 bytes');
  }

  /** Bytes after their length; null where the length is negative. */
  sized(): Buffer | null {
    const length = this.varint();
    return length < 0 ? null : this.take(length);
  }

  /** The next bytes, as a view. @throws RangeError where there are fewer */
  take(length: number): Buffer {
    const from = this.#skip(length);
    return this.bytes.subarray(from, from + length);
  }

  rest(): Buffer {
    return this.take(this.left);
  }

  #skip(length: number): number {
    const from = this.#at;
    if (length > this.left) throw new RangeError(`${length} bytes should follow, there are ${this.left}`);
    this.#at += length;
    return from;
  }
}
