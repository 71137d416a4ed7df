import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { parseLocated, Positions } from '../../../src/contracts/located.js';
import { mergeContract, namedTwice, type Values } from '../../../src/contracts/merge.js';
import { assertProperty } from '../../run/properties.js';

const scalar = fc.oneof(fc.integer(), fc.boolean(), fc.constant(null), fc.constantFrom('a', 'b', 'text: {node_id}'));
const name = fc.constantFrom('one', 'two', 'three', 'four');
/** Timers stand for every list whose items have a name. */
const timers = fc.uniqueArray(fc.record({ timer: name, seconds: scalar }, { requiredKeys: ['timer'] }), {
  selector: ({ timer }) => timer,
  maxLength: 4,
});
const topics = fc.array(fc.record({ event_type: name, topic: scalar }), { maxLength: 4 });
const rows = fc.array(fc.record({ current_state: name, action: scalar }), { maxLength: 4 });
const contract = fc.record(
  {
    contract_version: scalar,
    plain: fc.array(scalar, { maxLength: 3 }),
    timers,
    consumed_events: topics,
    state_decision_matrix: rows,
    inner: fc.record({ x: scalar, y: scalar, timers }, { requiredKeys: [] }),
  },
  { requiredKeys: [] },
);
type Contract = Values & {
  timers?: { timer: string; seconds?: unknown }[];
  consumed_events?: { event_type: string; topic: unknown }[];
  state_decision_matrix?: unknown[];
};

const texts = new Map<string, string>();
/** The contract as it is read from a file of that name. */
function read(file: string, data: unknown, positions: Positions): Contract {
  const text = stringify(data);
  texts.set(file, text);
  return parseLocated(text, file, positions).data as Contract;
}

/** What stands at a position, up to the end of its line. */
function textAt({ file, line, column }: { file: string; line: number; column: number }): string {
  return (texts.get(file)?.split('\n')[line - 1] ?? '').slice(column - 1);
}

const pair = fc.tuple(contract, contract);
const merged = ([base, partial]: [object, object], positions = new Positions()): Contract =>
  mergeContract(read('base', base, positions), read('partial', partial, positions), positions);

describe('a partial contract laid over a whole one', () => {
  it('changes nothing where it says nothing, and is the whole where there is nothing else', () => {
    assertProperty(
      fc.property(contract, (one) => {
        expect(merged([one, {}])).toEqual(one);
        expect(merged([{}, one])).toEqual(one);
      }),
    );
  });

  it('changes neither input', () => {
    assertProperty(
      fc.property(pair, ([base, partial]) => {
        const before = structuredClone([base, partial]);
        mergeContract(base, partial, new Positions());
        expect([base, partial]).toEqual(before);
      }),
    );
  });

  it('wins wherever it says something, and leaves the rest', () => {
    assertProperty(
      fc.property(pair, ([base, partial]) => {
        const result = merged([base, partial]);
        expect(result['contract_version']).toEqual(
          'contract_version' in partial ? partial.contract_version : base.contract_version,
        );
        expect(result['plain']).toEqual(partial.plain ?? base.plain);
        for (const key of ['x', 'y'] as const)
          expect((result['inner'] as Values | undefined)?.[key]).toEqual(
            partial.inner !== undefined && key in partial.inner ? partial.inner[key] : base.inner?.[key],
          );
      }),
    );
  });

  it('changes things of a list by their name, and adds the others behind them', () => {
    assertProperty(
      fc.property(pair, ([base, partial]) => {
        const before: { timer: string; seconds?: unknown }[] = base.timers ?? [];
        const after: { timer: string; seconds?: unknown }[] = partial.timers ?? [];
        const names = [...new Set([...before, ...after].map(({ timer }) => timer))];
        const seconds = (list: typeof before, of: string) => list.find(({ timer }) => timer === of);
        expect(merged([base, partial]).timers ?? []).toEqual(
          names.map((timer) => ({ ...seconds(before, timer), ...seconds(after, timer) })),
        );
      }),
    );
  });

  it('replaces all topics of an event that it names, and no others', () => {
    assertProperty(
      fc.property(pair, ([base, partial]) => {
        const result = merged([base, partial]).consumed_events ?? [];
        const of = (list: readonly { event_type: string }[] | undefined, event: string) =>
          (list ?? []).filter(({ event_type }) => event_type === event);
        for (const event of ['one', 'two', 'three', 'four']) {
          const own = of(partial.consumed_events, event);
          expect(of(result, event)).toEqual(own.length > 0 ? own : of(base.consumed_events, event));
        }
        const firsts = (list: readonly { event_type: string }[]) => [
          ...new Set(list.map(({ event_type }) => event_type)),
        ];
        expect(firsts(result)).toEqual(firsts([...(base.consumed_events ?? []), ...(partial.consumed_events ?? [])]));
      }),
    );
  });

  it("adds its rows to those of a decision matrix, each with its file's name", () => {
    assertProperty(
      fc.property(pair, ([base, partial]) => {
        const positions = new Positions();
        const matrix = merged([base, partial], positions).state_decision_matrix ?? [];
        expect(matrix).toEqual([...(base.state_decision_matrix ?? []), ...(partial.state_decision_matrix ?? [])]);
        const files = matrix.map((_, index) => positions.get(matrix, index)?.file);
        expect(files).toEqual([
          ...(base.state_decision_matrix ?? []).map(() => 'base'),
          ...(partial.state_decision_matrix ?? []).map(() => 'partial'),
        ]);
      }),
    );
  });

  it('leaves every key and item at the place where it stood', () => {
    assertProperty(
      fc.property(pair, (both) => {
        const positions = new Positions();
        const visit = (value: unknown): void => {
          if (typeof value !== 'object' || value === null) return;
          for (const [key, inner] of Object.entries(value as Values)) {
            const place = positions.get(value, key);
            expect(place, key).toBeDefined();
            if (place === undefined) return;
            // A map's key stands at its place; an item of a list is what stands at its own, with its first key.
            const item = typeof inner === 'object' && inner !== null ? Object.entries(inner).slice(0, 1) : [];
            const shown = item.length === 0 ? inner : Object.fromEntries(item);
            const written = Array.isArray(value) ? stringify(shown).trim() : `${key}:`;
            expect(textAt(place).startsWith(written), `${textAt(place)} is ${written}`).toBe(true);
            visit(inner);
          }
        };
        visit(merged(both, positions));
      }),
    );
  });
});

describe('a name that stands twice in one file', () => {
  it('is found in every list of named things, however deep, and nowhere else', () => {
    const item: Record<string, Values> = {
      published_events: { action: 'x' },
      handlers: { event_model: { name: 'x' } },
      states: { state_name: 'x' },
      transitions: { from_state: 'x', trigger: 'y' },
      timers: { timer: 'x' },
      confirmations: { event_type: 'x' },
      intents: { action: 'x' },
      calls: { call: 'x' },
      questions: { question: 'x' },
    };
    for (const [key, value] of Object.entries(item)) {
      const list = [{ ...value, other: 1 }, { other: 2 }, { ...value }];
      expect(namedTwice({ outer: [{ [key]: list }] })).toMatchObject([{ key, first: 0, second: 2 }]);
      expect(namedTwice({ outer: [{ [`un${key}`]: list }] })).toEqual([]);
    }
    expect(
      namedTwice({
        handlers: [
          { operation: 'a', backend: 'b' },
          { operation: 'a', backend: 'c' },
        ],
      }),
    ).toEqual([]);
    expect(
      namedTwice({
        transitions: [
          { from_state: 'a', trigger: 'b' },
          { from_state: 'a', trigger: 'c' },
        ],
      }),
    ).toEqual([]);
    expect(namedTwice({ timers: ['x', 'x'] })).toEqual([]);
  });
});
