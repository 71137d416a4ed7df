import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { explain } from '../../../src/protocol/explain.js';

function explained(schema: z.ZodType, input: unknown): string {
  const result = schema.safeParse(input);
  if (result.success) throw new Error('accepted, though it should not be');
  return explain(result.error, input);
}

describe('why a message is refused', () => {
  it.each([
    [z.object({ a: z.string() }), { a: 7 }, 'a: expected string, got 7'],
    [z.object({ a: z.string() }), {}, 'a: expected string, got nothing'],
    [z.string(), 7, 'message: expected string, got 7'],
    [z.object({ a: z.literal('x') }), { a: 'y' }, 'a: expected x, got "y"'],
    [z.object({ a: z.enum(['x', 'y']) }), { a: 'z' }, 'a: expected one of x, y, got "z"'],
    [z.object({ a: z.string().max(2) }), { a: 'xyz' }, 'a: expected at most 2 characters, got "xyz"'],
    [z.object({ a: z.string().min(1) }), { a: '' }, 'a: expected at least 1 characters, got ""'],
    [z.object({ a: z.array(z.string()).max(1) }), { a: ['x', 'y'] }, 'a: expected at most 1 items, got a list of 2'],
    [z.object({ a: z.array(z.string()).min(1) }), { a: [] }, 'a: expected at least 1 items, got a list of 0'],
    [z.object({ a: z.number().min(0) }), { a: -1 }, 'a: expected at least 0, got -1'],
    [z.object({ a: z.number().max(5) }), { a: 6 }, 'a: expected at most 5, got 6'],
    [z.strictObject({}), { b: 1, c: 2 }, 'message: expected no field b, c, got an object'],
    [z.object({ a: z.string().regex(/^x$/, { error: 'an x' }) }), { a: 'y' }, 'a: expected an x, got "y"'],
    [z.object({ a: z.custom(() => false, { error: 'something' }) }), { a: 1 }, 'a: expected something, got 1'],
    [z.object({ a: z.array(z.object({ b: z.string() })) }), { a: [{ b: 1 }] }, 'a.0.b: expected string, got 1'],
  ])('%#: the field, what was expected and what came', (schema, input, sentence) => {
    expect(explained(schema, input)).toBe(sentence);
  });

  it('names eight fields, and how many more there are', () => {
    const fields = (count: number) =>
      z.object(Object.fromEntries(Array.from({ length: count }, (_, n) => [`f${n}`, z.string()])));
    expect(explained(fields(8), {})).toMatch(/^(f\d: expected string, got nothing(; )?){8}$/);
    expect(explained(fields(10), {})).toMatch(/f7: expected string, got nothing; and 2 more$/);
  });

  it('keeps the names of fields short and printable', () => {
    expect(explained(z.record(z.string(), z.string()), { [`a\n${'x'.repeat(100)}`]: 1 })).toBe(
      `a\\u000a${'x'.repeat(61)}…: expected string, got 1`,
    );
  });

  it('knows nothing of a field that is not there, or only inherited', () => {
    const issues = (path: PropertyKey[]) => new z.ZodError([{ code: 'custom', path, message: 'more', input: null }]);
    expect(explain(issues(['a', 'b']), { a: null })).toBe('a.b: expected more, got nothing');
    expect(explain(issues(['a', 'b']), { a: 'text' })).toBe('a.b: expected more, got nothing');
    expect(explain(issues(['a', 0]), { a: 'text' })).toBe('a.0: expected more, got nothing');
    expect(explain(issues(['toString']), {})).toBe('toString: expected more, got nothing');
  });
});
