import { expect, it } from 'vitest';
import { letterJson, letterText } from '../../../../src/cli/dlq/letters-text.js';
import { readDeadLetter } from '../../../../src/protocol/dead-letter.js';

it('the name of a header that somebody has sent is text on the terminal, whatever it holds', () => {
  const headers = { 'original_header.\u001b[2J\nreason': 'none' };
  const letter = readDeadLetter({ key: null, value: null, headers, timestamp: 0 });
  const text = letterText({ ...letter, id: '0-7', replayed: false });
  expect(text).toContain('header \\u001b[2J\\u000areason  none');
  expect(text).not.toContain('\u001b[2J');
});

it('key and headers are a line each, and a value cannot write over what stands before it', () => {
  const headers = { 'original_header.h': ['a\nreason  none', 'b\r'] };
  const value = Buffer.from('{"a":1}\rreason  none');
  const letter = {
    ...readDeadLetter({ key: Buffer.from('k\nk'), value, headers, timestamp: 0 }),
    id: '0-7',
    replayed: false,
  };
  const lines = letterText(letter).split('\n');
  expect(lines).toContain('key        k\\u000ak');
  expect(lines).toContain('header h   a\\u000areason  none, b\\u000d');
  expect(lines.at(-1)).toBe(`20 bytes, Base64: ${value.toString('base64')}`);
  expect(letterJson(letter)).toMatchObject({
    value: { text: String(value) },
    headers: { h: expect.stringContaining('a\nreason  none') as string },
  });
});

it('a value of several lines is shown as it is, also where they end as on Windows', () => {
  const value = Buffer.from('{\r\n\t"a": 1\n}');
  const letter = { ...readDeadLetter({ key: null, value, headers: {}, timestamp: 0 }), id: '0-7', replayed: false };
  expect(letterText(letter).split('\n').slice(-3)).toEqual(['{', '\t"a": 1', '}']);
});
