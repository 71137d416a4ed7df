import type { Fault } from '../located.js';
import { layerOf, positionOf, type ContractSources, type ContractPart } from '../sources.js';

export type YamlPath = readonly (string | number)[];

/** Collects what is wrong with the contracts; each fault stands at the place in YAML that is to be changed. */
export class Faults {
  readonly #sources: ContractSources;
  readonly #faults = new Map<string, Fault>();

  constructor(sources: ContractSources) {
    this.#sources = sources;
  }

  /**
   * Adds a fault. The same sentence at the same place counts once.
   *
   * @param part the contract that is to be changed
   * @param path keys and indices that lead to what is wrong
   * @param message what is wrong, and what to change
   */
  add(part: ContractPart, path: YamlPath, message: string): void {
    const fault = { ...positionOf(this.#sources, part, path), message };
    this.#faults.set(`${fault.file}:${fault.line}:${fault.column}: ${message}`, fault);
  }

  /**
   * Adds a fault that several parts of a contract make together. It stands at
   * the part of the topmost file, which is the one that somebody edits.
   *
   * @param paths what may be changed, the likeliest first
   */
  addTopmost(part: ContractPart, paths: readonly YamlPath[], message: string): void {
    const layer = (path: YamlPath): number => layerOf(this.#sources, part, path);
    const topmost = paths.reduce((best, path) => (layer(path) > layer(best) ? path : best));
    this.add(part, topmost, message);
  }

  /** A second place that a sentence names: "contract.yaml:12". */
  place(part: ContractPart, path: YamlPath): string {
    const { file, line } = positionOf(this.#sources, part, path);
    return `${file}:${line}`;
  }

  /** Every fault, in the order of the files and lines. */
  all(): Fault[] {
    return [...this.#faults.values()].sort(
      (a, b) => a.file.localeCompare(b.file) || a.line - b.line || a.column - b.column,
    );
  }
}

/** The end of a sentence about a word that is not known. */
export const choose = (words: readonly string[]): string => `use one of ${words.join(', ')}`;
