import pc from 'picocolors';
import { describe, expect, test } from 'vitest';
import { clock, columns, counted, duration, facts, since, span } from '../../../../src/cli/terminal/format.js';

/** What is read on a terminal, without its colours. */
const plain = (text: string): string => text.replace(/\u001b\[\d+m/g, '');

describe('durations', () => {
  test.each([
    [-5, '0 s'],
    [999, '0 s'],
    [59_999, '59 s'],
    [60_000, '1 min'],
    [3_599_000, '59 min'],
    [3_660_000, '1 h 01 min'],
    [48 * 3_600_000, '2 d'],
  ])('%i ms is %s', (milliseconds, text) => expect(duration(milliseconds)).toBe(text));

  test('since when, where that is known', () => {
    expect(since('2026-01-31T12:00:00.000Z', Date.parse('2026-01-31T12:00:12.900Z'))).toBe('12 s');
    expect(since(null)).toBe('-');
  });

  test('spans are short', () => {
    expect(span(35.4)).toBe('+35 ms');
    expect(span(1_240)).toBe('+1.24 s');
  });

  test('a clock shows local time with milliseconds', () => {
    expect(clock(new Date(2026, 0, 31, 9, 5, 7, 42).toISOString())).toBe('09:05:07.042');
  });
});

describe('tables', () => {
  test('have their columns below each other and no trailing blanks', () => {
    const lines = plain(
      columns(
        ['NODE', 'STATE'],
        [
          ['a', 'ACTIVE'],
          ['longer', ''],
        ],
      ),
    ).split('\n');
    expect(lines).toEqual(['NODE    STATE', 'a       ACTIVE', 'longer']);
  });

  test('align coloured cells as if they had no colour', () => {
    const { green } = pc.createColors(true);
    expect(
      plain(
        columns(
          ['A', 'B'],
          [
            [green('x'), '1'],
            ['yy', '2'],
          ],
        ),
      )
        .split('\n')
        .map((line) => line.indexOf(line.trim().slice(-1))),
    ).toEqual([4, 4, 4]);
  });

  test('facts leave out what is not known', () => {
    expect(
      plain(
        facts([
          ['node', 'effect'],
          ['ended', null],
          ['attempt', '1'],
        ]),
      ),
    ).toBe('node     effect\nattempt  1');
  });

  test('counts have their plural', () => {
    expect([counted(1, 'node'), counted(0, 'node'), counted(2, 'entry', 'entries')]).toEqual([
      '1 node',
      '0 nodes',
      '2 entries',
    ]);
  });
});
