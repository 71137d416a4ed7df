import { describe, expect, it } from 'vitest';
import type { Template } from '../../../src/contracts/compiled.js';
import { cut, fill, fillMap, text } from '../../../src/contracts/template.js';

const values = { id: 'n-1', round: 2, ready: true, tags: ['a', 'b'], ports: { http: 80 }, absent: null };

describe('a template that is filled', () => {
  it.each<[string, Template, unknown]>([
    ['is a value with its type where it is nothing but its name', '{round}', 2],
    ['is null where that value is not known', '{unheard_of}', null],
    ['is text where the name stands within a longer one', 'node {id}', 'node n-1'],
    ['is text where something follows the name', '{id}!', 'n-1!'],
    ['has each name in it filled', '{id}: {round}/{absent}', 'n-1: 2/none'],
    ['has values that are no text as JSON in a text', 'at {ports}, {ready}', 'at {"http":80}, true'],
    ['leaves what is no name as it is', '{No} {}', '{No} {}'],
    ['has a list spliced into a list, and anything else as an item', ['{id}', '{tags}', 'x'], ['n-1', 'a', 'b', 'x']],
    ['is filled at whatever depth', { a: { b: ['{round}', { c: '{id}' }] } }, { a: { b: [2, { c: 'n-1' }] } }],
    ['is what it is where it is no text', { a: 1, b: false, c: null }, { a: 1, b: false, c: null }],
  ])('%s', (_, template, filled) => {
    expect(fill(template, values)).toEqual(filled);
  });

  it('is frozen, and what it was filled with is not', () => {
    const fresh = { ports: { http: 80 } };
    const filled = fillMap({ list: ['a'], map: { a: 1 }, ports: '{ports}' }, fresh);
    expect([filled, filled['list'], filled['map']].every(Object.isFrozen)).toBe(true);
    expect(filled['ports']).toBe(fresh.ports);
    expect(Object.isFrozen(fresh.ports)).toBe(false);
  });
});

describe('a value in a sentence', () => {
  it.each([
    [undefined, 'none'],
    [null, 'none'],
    ['text', 'text'],
    ['', ''],
    [0, '0'],
    [['a'], '["a"]'],
  ])('%j reads %s', (value, words) => {
    expect(text(value)).toBe(words);
  });
});

describe('a text that is cut', () => {
  it('stays as it is up to the longest, and ends in "…" beyond', () => {
    expect(cut('abcd', 4)).toBe('abcd');
    expect(cut('abcde', 4)).toBe('abc…');
  });

  it('is at most 1024 long where nothing else is said', () => {
    expect(cut('x'.repeat(1024))).toBe('x'.repeat(1024));
    expect(cut('x'.repeat(1025))).toBe(`${'x'.repeat(1023)}…`);
  });
});
