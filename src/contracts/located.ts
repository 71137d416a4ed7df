import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type ParsedNode } from 'yaml';

/** A place in a contract file, counted from 1. */
export interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Something wrong with a contract, and where. */
export interface Fault extends Position {
  readonly message: string;
}

/**
 * Where each key and item stood in its file. The data stays plain (zod and the
 * merge see ordinary objects); the places are kept beside it, by container.
 */
export class Positions {
  readonly #places = new WeakMap<object, Map<string, Position>>();

  set(container: object, key: string | number, position: Position): void {
    const places = this.#places.get(container) ?? new Map<string, Position>();
    places.set(String(key), position);
    this.#places.set(container, places);
  }

  /** Position of one key or item, where it is known. */
  get(container: object, key: string | number): Position | undefined {
    return this.#places.get(container)?.get(String(key));
  }

  /** The same place for a value that another container receives. */
  copy(from: object, key: string | number, to: object, as: string | number): void {
    const place = this.get(from, key);
    if (place) this.set(to, as, place);
  }

  /** Position of the deepest part of the path that exists; where none does, the top of the file. */
  at(root: object, path: readonly PropertyKey[], file: string): Position {
    let place: Position = { file, line: 1, column: 1 };
    let here: unknown = root;
    for (const key of path) {
      if (typeof here !== 'object' || here === null || typeof key === 'symbol') break;
      place = this.get(here, key) ?? place;
      here = (here as Record<string | number, unknown>)[key];
    }
    return place;
  }
}

/**
 * Reads YAML as plain data and remembers where everything stood. Anchors,
 * aliases and merge keys (`<<`) are resolved.
 *
 * @param text the file's content
 * @param file its name, for messages
 * @param positions receives the places
 * @returns the data, and the syntax faults (then the data is not to be used)
 */
export function parseLocated(text: string, file: string, positions: Positions): { data: unknown; faults: Fault[] } {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  const placeAt = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { file, line, column: col };
  };
  // Whatever was parsed has its range.
  const place = (node: unknown): Position => placeAt((node as ParsedNode).range[0]);
  const faults = document.errors.map((error): Fault => {
    const message = `This is not valid YAML: ${error.message.replace(/\n[^]*/, '')}`;
    return { ...placeAt(error.pos[0]), message };
  });
  if (faults.length > 0) return { data: undefined, faults };

  const unknown: Fault[] = [];
  const plain = (node: unknown): unknown => {
    if (isAlias(node)) {
      const anchored = node.resolve(document);
      if (anchored !== undefined) return plain(anchored);
      unknown.push({
        ...place(node),
        message: `nothing above is anchored as &${node.source}: use the name of an anchor`,
      });
      return null;
    }
    if (isScalar(node)) return node.value;
    if (isSeq(node)) {
      const list: unknown[] = [];
      node.items.forEach((item, index) => {
        list.push(plain(item));
        positions.set(list, index, place(item));
      });
      return list;
    }
    if (isMap(node)) {
      const map: Record<string, unknown> = {};
      for (const pair of node.items) {
        const name: unknown = isScalar(pair.key) ? pair.key.value : pair.key;
        if (name === '<<') {
          // Merge keys (YAML 1.1): the map's own keys win over merged ones.
          const merged = plain(pair.value) as Record<string, unknown> | null;
          for (const [inner, value] of Object.entries(merged ?? {})) {
            if (inner in map) continue;
            map[inner] = value;
            positions.set(map, inner, place(pair.key));
          }
          continue;
        }
        const key = String(name);
        map[key] = plain(pair.value);
        positions.set(map, key, place(pair.key));
      }
      return map;
    }
    return null;
  };
  const data = plain(document.contents);
  return { data, faults: unknown };
}
