import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { MutantResult } from '@stryker-mutator/api/core';
import { parse } from 'yaml';

/** A change that the tests of its group do not notice, with the reason. */
export interface Survivor {
  readonly file: string;
  /** What was changed to what, as `changeOf` writes it. The same change at several places of a file is one. */
  readonly change: string;
  readonly why: string;
}

const LONGEST = 100;

/**
 * The changes that are known to survive in a group: survivors.yaml has them by group, file and reason.
 *
 * @param folder the folder of survivors.yaml
 * @returns null for a group whose changes need no reasons
 */
export function readSurvivors(folder: string, group: string): readonly Survivor[] | null {
  const groups = parse(readFileSync(join(folder, 'survivors.yaml'), 'utf8')) as Readonly<
    Record<string, readonly { file: string; why: string; changes: readonly string[] }[]>
  >;
  return (
    groups[group]?.flatMap(({ file, why, changes }) => changes.map((change) => ({ file, why: why.trim(), change }))) ??
    null
  );
}

/** The file of a change, and the change as survivors.yaml writes it: `before → after`, long texts cut. */
export function changeOf(root: string, mutant: MutantResult): Omit<Survivor, 'why'> {
  const file = relative(root, mutant.fileName);
  const lines = readFileSync(join(root, file), 'utf8').split('\n');
  // Stryker counts lines and columns from 1.
  const { start, end } = mutant.location;
  const before = lines
    .slice(start.line - 1, end.line)
    .map((line, at, all) => (at === all.length - 1 ? line.slice(0, end.column - 1) : line))
    .map((line, at) => (at === 0 ? line.slice(start.column - 1) : line))
    .join('\n');
  return { file, change: `${oneLine(before)} → ${oneLine(mutant.replacement ?? '')}` };
}

/** What survived without a reason, and reasons for what no longer survives. */
export function compareSurvivors(
  survived: readonly Omit<Survivor, 'why'>[],
  known: readonly Survivor[],
): { readonly unnamed: readonly Omit<Survivor, 'why'>[]; readonly outdated: readonly Survivor[] } {
  const same = (one: Omit<Survivor, 'why'>, other: Omit<Survivor, 'why'>): boolean =>
    one.file === other.file && one.change === other.change;
  return {
    unnamed: survived.filter((one) => !known.some((other) => same(one, other))),
    outdated: known.filter((one) => !survived.some((other) => same(one, other))),
  };
}

function oneLine(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > LONGEST ? `${line.slice(0, LONGEST)}…` : line;
}
