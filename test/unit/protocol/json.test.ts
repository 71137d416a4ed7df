import { describe, expect, it } from 'vitest';
import { decodeObject, describe as shown, isObject, printable } from '../../../src/protocol/json.js';

const nested = (levels: number): Buffer => Buffer.from('{"a":'.repeat(levels) + '1' + '}'.repeat(levels));
const sized = (bytes: number): Buffer => Buffer.from(`{"a":"${'x'.repeat(bytes - 8)}"}`);

describe('the bytes of a record', () => {
  it('are read as a JSON object', () => {
    expect(decodeObject(Buffer.from('{"a":[1,null]}'))).toEqual({ ok: true, json: { a: [1, null] } });
  });

  it('may be as many as the limit says, and not one more', () => {
    expect(decodeObject(sized(262_144)).ok).toBe(true);
    expect(decodeObject(sized(262_145))).toEqual({
      ok: false,
      reason: 'the message has 262145 bytes, the limit is 262144',
    });
  });

  it('may be nested as deep as the limit says, and not one level more, in lists too', () => {
    expect(decodeObject(nested(24)).ok).toBe(true);
    expect(decodeObject(nested(25))).toEqual({ ok: false, reason: 'nested deeper than 24 levels' });
    const lists = (levels: number) => Buffer.from(`{"a":1,"b":${'['.repeat(levels)}${']'.repeat(levels)}}`);
    expect(decodeObject(lists(23)).ok).toBe(true);
    expect(decodeObject(lists(24)).ok).toBe(false);
  });

  it.each([
    [null, 'the message is empty'],
    [Buffer.alloc(0), 'the message is empty'],
    [Buffer.from([0xff]), 'not UTF-8 text'],
    [Buffer.from('7'), 'expected a JSON object, got 7'],
    [Buffer.from('null'), 'expected a JSON object, got null'],
    [Buffer.from('"text"'), 'expected a JSON object, got "text"'],
    [Buffer.from('[1,2]'), 'expected a JSON object, got a list of 2'],
  ])('%s are refused: %s', (value, reason) => {
    expect(decodeObject(value)).toEqual({ ok: false, reason });
  });

  it('may hold the numbers of Python that JSON has not: they are null, and texts stay texts', () => {
    const text = '{"a":NaN,"b":[-Infinity,Infinity],"c":"NaN \\"NaN\\" Infinity","d":"\\n NaN"}';
    expect(decodeObject(Buffer.from(text))).toEqual({
      ok: true,
      json: { a: null, b: [null, null], c: 'NaN "NaN" Infinity', d: '\n NaN' },
    });
    expect(decodeObject(Buffer.from('{"a":NaNs}'))).toMatchObject({ ok: false });
    expect(decodeObject(Buffer.from(`{"a":NaN,"${'\\"'.repeat(120_000)}`))).toMatchObject({ ok: false });
  });

  it('are no JSON where a text has no end', () => {
    const refused = decodeObject(Buffer.from('"text'));
    expect(refused).toMatchObject({
      ok: false,
      reason: expect.stringMatching(/^not JSON: Unterminated string/) as string,
    });
  });

  it('are quoted no longer than 200 characters when they are no JSON', () => {
    const refused = decodeObject(Buffer.from(`{"a":${'\u0001'.repeat(500)}`));
    expect(refused.ok).toBe(false);
    const { reason } = refused as { reason: string };
    expect(reason.length).toBeLessThan(800);
    expect(reason).toMatch(/^not JSON: .*\\u0001/);
  });
});

describe('what a value is called in a reason', () => {
  it.each([
    [undefined, 'nothing'],
    [null, 'null'],
    [[], 'a list of 0'],
    [{}, 'an object'],
    [1.5, '1.5'],
    [true, 'true'],
    ['text', '"text"'],
    ['x'.repeat(58), `"${'x'.repeat(58)}"`],
    ['x'.repeat(59), `"${'x'.repeat(58)}…`],
    ['a\nb\u007f', '"a\\nb\\u007f"'],
  ])('%j', (value, name) => {
    expect(shown(value)).toBe(name);
  });

  it('only objects are objects', () => {
    expect([{}, { a: 1 }, [], null, 'text', 7, undefined].map(isObject)).toEqual([
      true,
      true,
      false,
      false,
      false,
      false,
      false,
    ]);
  });

  it('a text is cut with a sign, and its control characters and halves of characters are escaped', () => {
    expect(printable('abcd', 4)).toBe('abcd');
    expect(printable('abcde', 4)).toBe('abc…');
    expect(printable('a\nb\u0000', 9)).toBe('a\\u000ab\\u0000');
    expect(printable('ab\ud83d\ude00', 9)).toBe('ab\ud83d\ude00');
    expect(printable('ab\ud83d\ude00c', 4)).toBe('ab\\ud83d…');
  });
});
