import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { parseLocated, Positions } from '../../../src/contracts/located.js';
import { assertProperty } from '../../run/properties.js';

const key = fc.stringMatching(/^[a-z_]{1,8}$/);
const { data } = fc.letrec<{ data: unknown }>((tie) => ({
  data: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.oneof(fc.integer(), fc.boolean(), fc.constant(null), fc.string({ maxLength: 12 })),
    fc.array(tie('data'), { maxLength: 3 }),
    fc.dictionary(key, tie('data'), { maxKeys: 3 }),
  ),
}));
const map = fc.dictionary(key, data, { maxKeys: 4, noNullPrototype: true });

describe('a YAML file with the places of its values', () => {
  it('is the data that was written, and every key stands where its place says', () => {
    assertProperty(
      fc.property(fc.tuple(map, fc.boolean()), ([value, flow]) => {
        const text = stringify(value, { collectionStyle: flow ? 'flow' : 'block' });
        const positions = new Positions();
        const { data: read, faults } = parseLocated(text, 'file', positions);
        expect(faults).toEqual([]);
        expect(read).toEqual(value);
        const visit = (container: unknown): void => {
          if (typeof container !== 'object' || container === null) return;
          for (const [name, inner] of Object.entries(container)) {
            const place = positions.get(container, name);
            expect(place?.file).toBe('file');
            const line = text.split('\n')[(place?.line ?? 0) - 1] ?? '';
            const at = line.slice((place?.column ?? 0) - 1);
            if (!Array.isArray(container)) expect(at).toMatch(new RegExp(`^["']?${name}["']?:`));
            else expect(line.slice(0, (place?.column ?? 0) - 1)).toMatch(/(^|[\s[-])$/);
            visit(inner);
          }
        };
        visit(read);
      }),
    );
  });

  const parse = (text: string) => {
    const positions = new Positions();
    return { positions, ...parseLocated(text, 'a.yaml', positions) };
  };

  it('resolves anchors, aliases and merge keys; own keys win over merged ones', () => {
    const { data: read, positions } = parse('a: &a { x: 1, y: 2 }\nb: *a\nc:\n  <<: *a\n  y: 3\nd: &l [*a]\ne: *l\n');
    expect(read).toEqual({
      a: { x: 1, y: 2 },
      b: { x: 1, y: 2 },
      c: { x: 1, y: 3 },
      d: [{ x: 1, y: 2 }],
      e: [{ x: 1, y: 2 }],
    });
    const { c } = read as { c: object };
    // What is merged in stands at the merge key, and an own key at itself.
    expect(positions.get(c, 'x')).toEqual({ file: 'a.yaml', line: 4, column: 3 });
    expect(positions.get(c, 'y')).toEqual({ file: 'a.yaml', line: 5, column: 3 });
  });

  it('keeps an own key that stands before the merge key', () => {
    expect(parse('a: &a { x: 1 }\nc:\n  x: 3\n  <<: *a\n').data).toEqual({ a: { x: 1 }, c: { x: 3 } });
  });

  it('takes keys that are no text as text, and nothing as null', () => {
    expect(parse('1: a\ntrue: b\nc:\n').data).toEqual({ 1: 'a', true: 'b', c: null });
    expect(parse('').data).toBeNull();
  });

  it('says where the syntax is broken, and reads nothing then', () => {
    const broken = parse('a: 1\nb: [1, 2\nc: 3\n');
    expect(broken.data).toBeUndefined();
    expect(broken.faults[0]).toMatchObject({ file: 'a.yaml', line: 3, column: 1 });
    expect(broken.faults[0]?.message).toMatch(/^This is not valid YAML: \S/);
    expect(broken.faults[0]?.message).not.toContain('\n');
    expect(parse('a: 1\na: 2\n').faults).toMatchObject([{ line: 2, column: 1 }]);
  });

  it('gives the place of the deepest part that exists', () => {
    const { data: read, positions } = parse('a:\n  b:\n    - c: 1\n');
    const at = (...path: PropertyKey[]) => positions.at(read as object, path, 'f.yaml');
    expect(at('a', 'b', 0, 'c')).toEqual({ file: 'a.yaml', line: 3, column: 7 });
    expect(at('a', 'b', 0, 'missing')).toEqual({ file: 'a.yaml', line: 3, column: 7 });
    expect(at('a', 'b', 7)).toEqual({ file: 'a.yaml', line: 2, column: 3 });
    expect(at('a', 'b', 0, 'c', 'deeper')).toEqual({ file: 'a.yaml', line: 3, column: 7 });
    expect(at('a', 'b', 0, 'c', 'deeper', 'still')).toEqual({ file: 'a.yaml', line: 3, column: 7 });
    expect(at('z')).toEqual({ file: 'f.yaml', line: 1, column: 1 });
    expect(at('a', Symbol('b'))).toEqual({ file: 'a.yaml', line: 1, column: 1 });
    const odd = parse('a:\n  Symbol(b): 1\n  none: null\n');
    const atOdd = (...path: PropertyKey[]) => odd.positions.at(odd.data as object, path, 'f.yaml');
    expect(atOdd('a', Symbol('b'))).toMatchObject({ line: 1, column: 1 });
    expect(atOdd('a', 'none', 'deeper')).toMatchObject({ line: 3, column: 3 });
  });
});
