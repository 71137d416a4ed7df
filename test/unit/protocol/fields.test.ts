import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import {
  correlationId,
  isPrintable,
  isUuid,
  nodeId,
  nodeType,
  timestamp,
  uuidOrNull,
} from '../../../src/protocol/fields.js';
import { nodeVersion, versionParts } from '../../../src/protocol/node-version.js';

const LOWER = 'cd613e30-d8f1-4adf-91b7-584a2265b1f5';
const UPPER = LOWER.toUpperCase();

/** What a schema makes of a value, or why it refuses it. */
function read(schema: z.ZodType, value: unknown): unknown {
  const result = schema.safeParse(value);
  return result.success ? result.data : `refused: ${result.error.issues[0]?.message ?? ''}`;
}

describe('ids', () => {
  it.each([
    [LOWER, true],
    [UPPER, true],
    ['12345678-1234-1234-1234-123456789012', true],
    [`${LOWER}0`, false],
    [`0${LOWER}`, false],
    [LOWER.slice(1), false],
    [LOWER.replace('e', 'g'), false],
    [LOWER.replaceAll('-', ''), false],
  ])('%s is a UUID: %s', (text, is) => {
    expect(isUuid(text)).toBe(is);
    expect(uuidOrNull(text)).toBe(is ? text.toLowerCase() : null);
  });

  it('nothing is no UUID', () => {
    expect([null, undefined, ''].map(uuidOrNull)).toEqual([null, null, null]);
  });

  const badNodeId = 'refused: 1 to 128 letters, digits or any of . _ : -';
  it.each([
    ['a', 'a'],
    ['aZ0._:-', 'aZ0._:-'],
    ['x'.repeat(128), 'x'.repeat(128)],
    [UPPER, LOWER],
    ['ABC', 'ABC'],
    ['x'.repeat(129), badNodeId],
    ['', badNodeId],
    ['a b', badNodeId],
    [' a', badNodeId],
    ['a/b', badNodeId],
    ['ä', badNodeId],
    ['a\n', badNodeId],
  ])('node_id %j', (value, expected) => {
    expect(read(nodeId, value)).toBe(expected);
  });

  const badCorrelationId = 'refused: 1 to 128 printable ASCII characters without blanks';
  it.each([
    ['!~', '!~'],
    ['x'.repeat(128), 'x'.repeat(128)],
    [UPPER, LOWER],
    ['x'.repeat(129), badCorrelationId],
    ['', badCorrelationId],
    ['a b', badCorrelationId],
    [' a', badCorrelationId],
    ['a\u007f', badCorrelationId],
  ])('correlation_id %j', (value, expected) => {
    expect(read(correlationId, value)).toBe(expected);
  });
});

describe('other fields', () => {
  it('a node type is read in either case, and nothing else is one', () => {
    expect(['effect', 'REDUCER', 'Orchestrator', 'compute'].map((type) => read(nodeType, type))).toEqual([
      'effect',
      'reducer',
      'orchestrator',
      'compute',
    ]);
    expect([7, null, 'toaster'].map((type) => nodeType.safeParse(type).success)).toEqual([false, false, false]);
  });

  const badTime = 'refused: an ISO 8601 time with a zone';
  it.each([
    ['2026-01-31T12:00:00Z', '2026-01-31T12:00:00Z'],
    ['2026-01-31T12:00:00.123456+02:00', '2026-01-31T12:00:00.123456+02:00'],
    ['2026-01-31T12:00:00', badTime],
    ['yesterday', badTime],
  ])('a time %s', (value, expected) => {
    expect(read(timestamp, value)).toBe(expected);
  });

  it.each([
    ['', true],
    ['text ü \ud83d\ude00', true],
    ['a\u0000b', false],
    ['a\n', false],
    ['\ud83d', false],
  ])('%j is printable: %s', (text, is) => {
    expect(isPrintable(text)).toBe(is);
  });
});

describe('a node version', () => {
  const bad = 'refused: a semantic version such as 1.2.3, or an object of major, minor and patch';
  const parts = { major: 1, minor: 2, patch: 3 };
  it.each([
    [undefined, '0.0.0'],
    [null, '0.0.0'],
    ['1.2.3', '1.2.3'],
    ['v1.2.3', '1.2.3'],
    ['10.20.30-rc.1+exp.sha', '10.20.30-rc.1+exp.sha'],
    ['999999999.0.0', '999999999.0.0'],
    ['1.2.3-' + 'x'.repeat(64), '1.2.3-' + 'x'.repeat(64)],
    ['1.2.3+' + 'x'.repeat(64), '1.2.3+' + 'x'.repeat(64)],
    ['1.2.3-' + 'x'.repeat(65), bad],
    ['1.2.3+' + 'x'.repeat(65), bad],
    ['1000000000.0.0', bad],
    ['1.2', bad],
    ['1.2.3.4', bad],
    ['vv1.2.3', bad],
    [' 1.2.3', bad],
    ['1.2.3-', bad],
    ['', bad],
    [parts, '1.2.3'],
    [{ ...parts, prerelease: 'rc.1', build: 'b' }, '1.2.3-rc.1+b'],
    [{ ...parts, prerelease: ['rc', 1], build: [7] }, '1.2.3-rc.1+7'],
    [{ ...parts, prerelease: '', build: '' }, '1.2.3'],
    [{ ...parts, prerelease: null, build: null }, '1.2.3'],
    [{ ...parts, major: 999_999_999 }, '999999999.2.3'],
    [{ ...parts, major: 1_000_000_000 }, bad],
    [{ ...parts, minor: -1 }, bad],
    [{ ...parts, patch: 1.5 }, bad],
    [{ ...parts, prerelease: ['x'.repeat(65)] }, bad],
    [{ ...parts, prerelease: ['a b'] }, bad],
    [{ ...parts, prerelease: ['!'] }, bad],
    [{ ...parts, prerelease: [-1] }, bad],
    [{ ...parts, prerelease: [1.5] }, bad],
    [{ major: 1, minor: 2 }, bad],
    [7, bad],
    [['1.2.3'], bad],
  ])('%j', (value, expected) => {
    expect(read(nodeVersion, value)).toBe(expected);
  });

  it.each([
    ['1.2.3', { major: 1, minor: 2, patch: 3, prerelease: null, build: null }],
    ['10.20.30-rc.10.x2+exp.7', { major: 10, minor: 20, patch: 30, prerelease: ['rc', 10, 'x2'], build: ['exp', '7'] }],
    ['1.2.3-2x', { major: 1, minor: 2, patch: 3, prerelease: ['2x'], build: null }],
  ])('%s is sent as parts', (version, expected) => {
    expect(versionParts(version)).toEqual(expected);
  });

  it.each(['1.2', 'x1.2.3', '1.2.3x', '1.2.3-', '1.2.3+', ''])('%j is not sent', (version) => {
    expect(() => versionParts(version)).toThrow(
      `node_version: expected a semantic version such as 1.2.3, got "${version}"`,
    );
  });
});
