import { beforeEach, describe, expect, it } from 'vitest';
import type { IncomingRecord } from '../../../src/kafka/index.js';
import type { Understood } from '../../../src/bridge/understand.js';
import { buildDeadLetter, readDeadLetter, type DeadLetter } from '../../../src/protocol/dead-letter.js';
import { Ledger, type Handled } from '../../fuzz/ledger.js';

const REASON = 'not JSON: Unexpected end of JSON input';
const refused: Understood<unknown> = { ok: false, code: 'not_json', reason: REASON };
const good: Understood<unknown> = { ok: true, message: {} };

function recordOf(offset: number, value = '{'): IncomingRecord {
  const place = { topic: 't', partition: 0, offset: String(offset), timestamp: 1, isBrokersTime: true };
  return { ...place, key: Buffer.from('k'), value: Buffer.from(value), headers: { h: ['1', '2'] } };
}

function letterOf(record: IncomingRecord): DeadLetter {
  const letter = { event_type: 'e', tags: {}, code: 'not_json', reason: REASON, node_id: null, record } as const;
  return readDeadLetter({ ...buildDeadLetter(letter), timestamp: 1 });
}

const HANDLED: Handled = { introspections: 1, acks: 1, heartbeats: 1, drains: 0, dead_letters: 2 };

/** Three good records, one of each kind, and two that nobody can read. */
let ledger: Ledger;

beforeEach(() => {
  ledger = new Ledger();
  ledger.sent(5);
  ledger.read('introspections', recordOf(0), good);
  ledger.read('acks', recordOf(1), good);
  ledger.read('heartbeats', recordOf(2), good);
  ledger.read('introspections', recordOf(3), refused);
  ledger.read('heartbeats', recordOf(4), refused);
});

function faultsWith(letters: readonly DeadLetter[], handled = HANDLED): string[] {
  for (const letter of letters) ledger.letter(letter);
  return ledger.faults(handled);
}

const letters = [letterOf(recordOf(3)), letterOf(recordOf(4))] as const;

describe('an account of records', () => {
  it('without a fault: each is handled, or one dead letter that holds it', () => {
    expect(faultsWith(letters)).toEqual([]);
    expect([ledger.codes(), ledger.totals()]).toEqual([{ not_json: 2 }, { read: 5, refused: 2, repeated: 0 }]);
  });

  it('finds a record that was sent and never arrived', () => {
    ledger.sent(1);
    expect(faultsWith(letters)).toEqual(['records that were sent, and are in the topics: 6, 5']);
  });

  it('finds a letter that was swallowed', () => {
    expect(faultsWith([letters[0]])).toEqual([
      'dead letters counted, and written: 2, 1',
      't/0/4: not_json has 0 dead letters',
    ]);
  });

  it('finds letters of one record that do not say the same', () => {
    expect(faultsWith([...letters, { ...letters[1], reason: 'another sentence' }])).toEqual([
      't/0/4: dead letters that do not say the same',
    ]);
  });

  it('takes the same letter again for a send that was repeated, and counts it', () => {
    expect(faultsWith([...letters, letters[1]])).toEqual([]);
    expect([ledger.codes(), ledger.totals().repeated]).toEqual([{ not_json: 2 }, 1]);
  });

  it('finds a letter of a record that could have been used, or that is not there', () => {
    const faults = faultsWith([...letters, letterOf(recordOf(0)), letterOf(recordOf(9))], {
      ...HANDLED,
      dead_letters: 4,
    });
    expect(faults).toContain('t/0/0: a good record has 1 dead letters');
    expect(faults).toContain('t/0/9: a dead letter of a record that is not there');
  });

  it.each(['introspections', 'acks', 'heartbeats', 'dead_letters'] as const)('finds a doctored count of %s', (kind) => {
    const faults = faultsWith(letters, { ...HANDLED, [kind]: HANDLED[kind] + 1 });
    expect(faults[0]).toMatch(new RegExp(`^${kind === 'dead_letters' ? 'records' : `good ${kind}`}.*: \\d, \\d$`));
  });

  it.each([
    ['no code', { code: null }],
    ['a code of another failure', { code: 'unexpected_error' }],
  ] as const)('finds a letter with %s', (_what, change) => {
    expect(faultsWith([letters[0], { ...letters[1], ...change }]).join()).toMatch(/t\/0\/4: .*is no code of a record/);
  });

  it.each(['', 'no reason given', 'word', 'two\u0000 words'])('finds a letter whose reason is %j', (reason) => {
    expect(faultsWith([letters[0], { ...letters[1], reason }]).join()).toContain('is no sentence');
  });

  it.each([
    ['value', { value: Buffer.from('[') }],
    ['key', { key: null }],
    ['headers', { headers: {} }],
    ['size, by its own words', { cut_from_bytes: 7 }],
  ])('finds a letter with another %s than its original', (_what, change) => {
    expect(faultsWith([letters[0], { ...letters[1], ...change }])).toEqual([
      't/0/4: the dead letter is not its original, byte for byte',
    ]);
  });
});
