import { createHash } from 'node:crypto';
import type { IncomingRecord } from '../../src/kafka/index.js';
import type { StreamKind } from '../../src/bridge/bridge-topics.js';
import type { Understood } from '../../src/bridge/understand.js';
import { sizeOf, type DeadLetter, type DeadLetterCode } from '../../src/protocol/dead-letter.js';
import { isPrintable } from '../../src/protocol/fields.js';

/** What the bridge says that it has done. */
export interface Handled extends Readonly<Record<StreamKind, number>> {
  readonly dead_letters: number;
}

/** A record as it stands in its topic, and what its kind of message makes of it. */
interface Read {
  readonly kind: StreamKind;
  readonly code: DeadLetterCode | null;
  readonly digest: string;
  readonly bytes: number;
}

/** Codes that a record which was sent by somebody else may get. */
const CODES: ReadonlySet<DeadLetterCode | null> = new Set(['undecodable', 'not_json', 'invalid_field']);
const LONGEST_REASON = 2_000;
/** Smaller originals are held whole. */
const HELD_WHOLE = 800_000;
/** So many faults of a kind are named. */
const NAMED = 5;

/**
 * Accounts for every record: what was sent is in the topics, and each record of the topics is either handled or one
 * dead letter, which holds it and says why. The same letter may be there again, where a send was repeated whose answer
 * came late.
 */
export class Ledger {
  readonly #read = new Map<string, Read>();
  readonly #letters = new Map<string, DeadLetter[]>();
  #sent = 0;

  /** Records were sent, and the broker took them; markers are not counted. */
  sent(records: number): void {
    this.#sent += records;
  }

  /** How many were sent. */
  records(): number {
    return this.#sent;
  }

  /** A record was found in its topic. */
  read(kind: StreamKind, record: IncomingRecord, understood: Understood<unknown>): void {
    const { topic, partition, offset } = record;
    this.#read.set(`${topic}/${partition}/${offset}`, {
      kind,
      code: understood.ok ? null : understood.code,
      digest: digestOf(record),
      bytes: sizeOf(record),
    });
  }

  /** A dead letter was found. */
  letter(letter: DeadLetter): void {
    const { origin } = letter;
    const place = origin === null ? 'nowhere' : `${origin.topic}/${origin.partition}/${origin.offset}`;
    // Only what is compared is kept.
    const kept = { ...letter, key: null, value: null, headers: { digest: digestOf(letter) } };
    this.#letters.set(place, [...(this.#letters.get(place) ?? []), kept]);
  }

  /** How many letters there are of each kind of reason. */
  codes(): Readonly<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const [{ code } = { code: null }] of this.#letters.values())
      counts[code ?? 'none'] = (counts[code ?? 'none'] ?? 0) + 1;
    return counts;
  }

  /** The records that were found, of them those that nobody can use, and dead letters that are there again. */
  totals(): { readonly read: number; readonly refused: number; readonly repeated: number } {
    const all = [...this.#read.values()];
    const written = [...this.#letters.values()].flat().length;
    return {
      read: all.length,
      refused: all.filter(({ code }) => code !== null).length,
      repeated: written - this.#letters.size,
    };
  }

  /** Everything that does not fit, in sentences; none: all is accounted for. */
  faults(handled: Handled): string[] {
    return [
      ...this.#counts(handled),
      ...first(this.#places()),
      ...first([...this.#letters.values()].flat().flatMap(faultsOfLetter)),
    ];
  }

  #counts(handled: Handled): string[] {
    const read = [...this.#read.values()];
    const good = (kind: StreamKind): number => read.filter((one) => one.kind === kind && one.code === null).length;
    const rows: readonly (readonly [string, number, number])[] = [
      ['records that were sent, and are in the topics', this.#sent, read.length],
      ['good introspections, and those handled', good('introspections'), handled.introspections],
      ['good acks, and those handled', good('acks'), handled.acks],
      ['good heartbeats, and those handled', good('heartbeats'), handled.heartbeats],
      ['records that cannot be used, and dead letters counted', this.totals().refused, handled.dead_letters],
      ['dead letters counted, and written', handled.dead_letters, this.#letters.size],
    ];
    return rows.filter(([, one, other]) => one !== other).map(([what, one, other]) => `${what}: ${one}, ${other}`);
  }

  #places(): string[] {
    const faults: string[] = [];
    for (const [place, { code, digest, bytes }] of this.#read) {
      const letters = this.#letters.get(place) ?? [];
      if (letters.length > 0 !== (code !== null))
        faults.push(`${place}: ${code ?? 'a good record'} has ${letters.length} dead letters`);
      if (new Set(letters.map((letter) => letter.reason)).size > 1)
        faults.push(`${place}: dead letters that do not say the same`);
      for (const letter of letters) {
        if (code !== null && letter.code !== code) faults.push(`${place}: ${code} became ${letter.code}`);
        const isWhole = letter.cut_from_bytes === null && letter.headers['digest'] === digest;
        const isHead = letter.cut_from_bytes === bytes && bytes > HELD_WHOLE;
        if (!isWhole && !isHead) faults.push(`${place}: the dead letter is not its original, byte for byte`);
      }
    }
    for (const place of this.#letters.keys())
      if (!this.#read.has(place)) faults.push(`${place}: a dead letter of a record that is not there`);
    return faults;
  }
}

function faultsOfLetter({ origin, code, reason }: DeadLetter): string[] {
  const place = origin === null ? 'nowhere' : `${origin.topic}/${origin.partition}/${origin.offset}`;
  const faults: string[] = [];
  if (!CODES.has(code)) faults.push(`${place}: ${code ?? 'no code'} is no code of a record`);
  if (reason === 'no reason given' || !/^\S+(?: \S+)+$/u.test(reason.replace(/\s+/gu, ' ')) || !isPrintable(reason))
    faults.push(`${place}: ${JSON.stringify(reason.slice(0, 100))} is no sentence`);
  if (reason.length > LONGEST_REASON) faults.push(`${place}: a reason of ${reason.length} characters`);
  return faults;
}

function first(faults: readonly string[]): string[] {
  const more = faults.length - NAMED;
  return more > 0 ? [...faults.slice(0, NAMED), `and ${more} more like these`] : [...faults];
}

/** Key, value and headers, so that a letter can be held against its original. */
function digestOf({ key, value, headers }: Pick<IncomingRecord, 'key' | 'value' | 'headers'>): string {
  const hash = createHash('sha1');
  const part = (bytes: Buffer | string | null): void => {
    hash.update(bytes === null ? 'none:' : `${bytes.length}:`);
    if (bytes !== null) hash.update(bytes);
  };
  part(key);
  part(value);
  for (const [name, values] of Object.entries(headers).sort(([a], [b]) => (a < b ? -1 : 1)))
    for (const one of Array.isArray(values) ? values : [values ?? '']) {
      part(Buffer.from(name));
      part(Buffer.from(one));
    }
  return hash.digest('base64');
}
