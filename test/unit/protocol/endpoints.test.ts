import { describe, expect, it } from 'vitest';
import { endpointFields } from '../../../src/protocol/endpoints.js';
import { explain } from '../../../src/protocol/explain.js';

function read(fields: unknown): unknown {
  const result = endpointFields.safeParse(fields);
  return result.success ? result.data : explain(result.error, fields);
}

const ABSOLUTE = 'expected an absolute URL with a host, such as http://10.0.0.1:8080';
const NAME = 'expected a name of 1 to 64 printable characters';
const RELATIVE = 'expected an absolute URL, or a first endpoint to join a relative health endpoint to';
const many = (count: number) => Array.from({ length: count }, (_, n) => `http://h:${n + 1}`);
const long = (length: number) => `http://h/${'x'.repeat(length - 9)}`;

describe('endpoints', () => {
  it.each([
    ['nothing', {}, {}],
    ['null', { endpoints: null, health_endpoint: null }, {}],
    ['a map', { endpoints: { b: 'http://b', a: 'ftp://a/x' } }, { b: 'http://b', a: 'ftp://a/x' }],
    [
      'a list',
      { endpoints: ['http://a', 'http://b', 'http://c'] },
      { api: 'http://a', api2: 'http://b', api3: 'http://c' },
    ],
    ['a health endpoint of its own', { health_endpoint: 'http://h' }, { health: 'http://h' }],
    [
      'a health endpoint beside another one wins',
      { endpoints: { health: 'http://old' }, health_endpoint: 'http://new' },
      { health: 'http://new' },
    ],
    [
      'a relative one is joined to the first',
      { endpoints: ['http://a:1/x', 'http://b'], health_endpoint: '/h?q' },
      { api: 'http://a:1/x', api2: 'http://b', health: 'http://a:1/h?q' },
    ],
    [
      'or to the first that is absolute',
      { endpoints: { health: '/h', b: 'http://b' } },
      { health: 'http://b/h', b: 'http://b' },
    ],
    ['a name as long as may be', { endpoints: { ['n'.repeat(64)]: 'http://a' } }, { ['n'.repeat(64)]: 'http://a' }],
    ['a URL as long as may be', { endpoints: [long(2048)] }, { api: long(2048) }],
  ])('%s', (_name, fields, expected) => {
    expect(read(fields)).toEqual(expected);
  });

  it('may be 64, and not one more', () => {
    expect(Object.keys(read({ endpoints: many(64) }) as object)).toHaveLength(64);
    expect(read({ endpoints: many(65) })).toBe('endpoints: expected at most 64 endpoints, got a list of 65');
  });

  it.each([
    [{ endpoints: 7 }, 'endpoints: expected a map of names to URLs, or a list of URLs, got 7'],
    [{ endpoints: 'http://a' }, 'endpoints: expected a map of names to URLs, or a list of URLs, got "http://a"'],
    [{ endpoints: ['http://a', 7] }, `endpoints.1: ${ABSOLUTE}, got 7`],
    [{ endpoints: { a: 'localhost' } }, `endpoints.a: ${ABSOLUTE}, got "localhost"`],
    [{ endpoints: { a: 'localhost' }, health_endpoint: 'http://h' }, `endpoints.a: ${ABSOLUTE}, got "localhost"`],
    [{ endpoints: ['mailto:a@b'] }, `endpoints.0: ${ABSOLUTE}, got "mailto:a@b"`],
    [{ endpoints: ['http://a b'] }, `endpoints.0: ${ABSOLUTE}, got "http://a b"`],
    [{ endpoints: ['http://a/x y'] }, `endpoints.0: ${ABSOLUTE}, got "http://a/x y"`],
    [{ endpoints: ['http://a/\u0000'] }, `endpoints.0: ${ABSOLUTE}, got "http://a/\\u0000"`],
    [{ endpoints: ['//a/b'] }, `endpoints.0: ${ABSOLUTE}, got "//a/b"`],
    [{ endpoints: [long(2049)] }, `endpoints.0: ${ABSOLUTE}, got "http://h/${'x'.repeat(49)}…`],
    [{ endpoints: { '': 'http://a' } }, `endpoints.: ${NAME}, got "http://a"`],
    [{ endpoints: { ['n'.repeat(65)]: 'http://a' } }, `endpoints.${'n'.repeat(63)}…: ${NAME}, got "http://a"`],
    [{ endpoints: { 'a\n': 'http://a' } }, `endpoints.a\\u000a: ${NAME}, got "http://a"`],
    [{ endpoints: ['/x'] }, `endpoints.0: ${RELATIVE}, got "/x"`],
    [{ endpoints: { a: 'http://a', health: ['/h'] } }, `endpoints.health: ${ABSOLUTE}, got a list of 1`],
    [{ endpoints: { health: '/h' } }, `endpoints.health: ${RELATIVE}, got "/h"`],
    [{ health_endpoint: '/h' }, `health_endpoint: ${RELATIVE}, got "/h"`],
    [{ health_endpoint: 'h' }, `health_endpoint: ${ABSOLUTE}, got "h"`],
    [{ health_endpoint: '' }, `health_endpoint: ${ABSOLUTE}, got ""`],
    [{ health_endpoint: 7 }, 'health_endpoint: expected string, got 7'],
    [
      { endpoints: ['http://a'], health_endpoint: `/${'x'.repeat(2048)}` },
      `health_endpoint: ${ABSOLUTE}, got "/${'x'.repeat(57)}…`,
    ],
    [{ endpoints: ['http://a'], health_endpoint: '/\\[' }, `health_endpoint: ${ABSOLUTE}, got "/\\\\["`],
    [{ endpoints: ['http://a'], health_endpoint: '/\\b/h' }, `health_endpoint: ${ABSOLUTE}, got "/\\\\b/h"`],
    [{ endpoints: ['http://a'], health_endpoint: '/\u0000' }, `health_endpoint: ${ABSOLUTE}, got "/\\u0000"`],
  ])('%j', (fields, reason) => {
    expect(read(fields)).toBe(reason);
  });
});
