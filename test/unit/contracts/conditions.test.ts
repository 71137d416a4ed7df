import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCondition } from '../../../src/contracts/conditions.js';
import { assertProperty } from '../../run/properties.js';

const field = fc.stringMatching(/^[a-z_][a-z0-9_.]{0,10}$/);
const blank = fc.constantFrom(' ', '  ', '\t');
const word = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/).filter((text) => text !== 'true' && text !== 'false');

describe('a condition', () => {
  it('of any text is taken apart or refused in words, and never throws', () => {
    const text = fc.oneof(
      fc.string(),
      fc
        .tuple(field, fc.constantFrom('is_present', '==', 'in', 'at_least', 'matches', 'newer_than', ''), fc.string())
        .map((parts) => parts.join(' ')),
    );
    assertProperty(
      fc.property(text, (expression) => {
        const condition = parseCondition(expression);
        if (typeof condition === 'string') expect(condition.length).toBeGreaterThan(10);
        else expect(expression).toContain(condition.field);
      }),
    );
  });

  it('has its field, its operator and its value, whatever blanks stand around them', () => {
    const value = fc.oneof(
      word.map((text) => [text, text] as const),
      fc.boolean().map((flag) => [String(flag), flag] as const),
      fc.integer({ min: -1000, max: 1000 }).map((number) => [String(number), number] as const),
      fc.constantFrom<readonly [string, unknown]>(['1.5', 1.5], ['-0.25', -0.25], ['1.', '1.'], ['1.2.3', '1.2.3']),
      word.map((text) => [`"${text} "`, `${text} `] as const),
      word.map((text) => [`'${text}'`, text] as const),
      fc.constant(['"12"', '12'] as const),
    );
    assertProperty(
      fc.property(fc.tuple(field, blank, fc.constantFrom('==', '!='), blank, value, blank), (parts) => {
        const [name, one, operator, two, [written, meant], three] = parts;
        expect(parseCondition(`${one}${name}${one}${operator}${two}${written}${three}`)).toEqual({
          field: name,
          operator,
          value: meant,
        });
      }),
    );
  });

  it.each<[string, string | number | boolean]>([
    ['true', true],
    ['false', false],
    ['"true"', 'true'],
    ['12', 12],
    ['-0.25', -0.25],
    ['1.', '1.'],
    ['1.x', '1.x'],
    ['1.2.3', '1.2.3'],
    ['""', ''],
    ["'a b'", 'a b'],
    ['say "a"', 'say "a"'],
    ['"a" b', '"a" b'],
    ['"a\'', '"a\''],
    // Only a pattern has to be one.
    ['(a', '(a'],
    ['a'.repeat(201), 'a'.repeat(201)],
  ])('of equality has a value as it is written: %s', (written, value) => {
    expect(parseCondition(`node_id == ${written}`)).toEqual({ field: 'node_id', operator: '==', value });
  });

  it('of presence has no value', () => {
    expect(parseCondition('node_id is_present')).toEqual({ field: 'node_id', operator: 'is_present' });
    expect(parseCondition(' node_id  is_absent ')).toEqual({ field: 'node_id', operator: 'is_absent' });
    expect(parseCondition('node_id is_absent now')).toBe(
      '"is_absent" takes no value: remove "now" from "node_id is_absent now"',
    );
  });

  it('of a list has its items as text, with or without brackets', () => {
    assertProperty(
      fc.property(
        fc.tuple(field, fc.array(word, { minLength: 1, maxLength: 4 }), fc.boolean()),
        ([name, words, brackets]) => {
          const list = words.join(', ');
          expect(parseCondition(`${name} in ${brackets ? `[${list}]` : list}`)).toEqual({
            field: name,
            operator: 'in',
            value: words,
          });
        },
      ),
    );
    expect(parseCondition('round in [1, 2]')).toMatchObject({ value: ['1', '2'] });
    expect(parseCondition('node_id in [a[0], b[1]]')).toMatchObject({ value: ['a[0]', 'b[1]'] });
    expect(parseCondition('node_id in a[0], b')).toMatchObject({ value: ['a[0]', 'b'] });
  });

  it('of a version has a semantic version', () => {
    for (const version of ['1.2.3', '0.0.0-rc.1', '1.2.3+build'])
      expect(parseCondition(`node_version at_least ${version}`)).toEqual({
        field: 'node_version',
        operator: 'at_least',
        value: version,
      });
    for (const none of ['1', '1.2', '1.2.3.4', '1.2.3x', 'latest', '01.2.3'])
      expect(parseCondition(`node_version at_least ${none}`)).toBe(
        `"at_least" compares semantic versions: "${none}" in "node_version at_least ${none}" is none (write for ` +
          'example 1.2.0)',
      );
  });

  it('of a pattern has one that takes linear time, of at most 200 characters', () => {
    expect(parseCondition('node_id matches ^fleet-[0-9]+$')).toEqual({
      field: 'node_id',
      operator: 'matches',
      value: '^fleet-[0-9]+$',
    });
    expect(parseCondition('node_id matches 12')).toMatchObject({ value: '12' });
    for (const pattern of ['(a)\\1', '(?=a)b', '(?<!a)b', '['])
      expect(parseCondition(`node_id matches ${pattern}`)).toMatch(/is none that takes linear time \(RE2\): error/);
    expect(parseCondition(`node_id matches ${'a'.repeat(200)}`)).toMatchObject({ operator: 'matches' });
    expect(parseCondition(`node_id matches ${'a'.repeat(201)}`)).toMatch(
      /… *is longer than 200 characters|…" is longer than 200/,
    );
  });

  it('that is none is refused with what it should be', () => {
    for (const text of ['', 'node_id', '1node is_present', '== 5'])
      expect(parseCondition(text)).toBe(
        `"${text}" is not a condition: write "field operator value", for example "node_id is_present"`,
      );
    expect(parseCondition('node_id like x')).toBe(
      'unknown operator "like" in "node_id like x": use one of is_present, is_absent, ==, !=, in, at_least, matches',
    );
    expect(parseCondition('node_id ==')).toBe('"==" needs a value in "node_id =="');
  });
});
