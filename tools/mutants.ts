import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Stryker } from '@stryker-mutator/core';

/**
 * `npm run mutants -- GROUP [--update] [FILE[:FROM-TO] …]` changes the code of a group in one place at a time and
 * counts the changes that its tests notice. The score must reach the group's floor, and must not fall below the stored
 * one;
 * `--update` stores a higher one. With files, only these are mutated, and no score is compared.
 */

interface Group {
  /** Which files are changed; a pattern with "!" leaves files out. */
  readonly mutate: readonly string[];
  /** Which tests must notice. */
  readonly tests: readonly string[];
  /** Percent of the changes that must be noticed at the least. */
  readonly floor: number;
}

interface Score {
  /** Percent of the changes that the tests noticed. */
  readonly percent: number;
  readonly noticed: number;
  readonly survived: number;
  readonly date: string;
}

const ROOT = join(import.meta.dirname, '..');
const FOLDER = join(ROOT, 'test/mutants');
const read = (file: string): unknown => JSON.parse(readFileSync(join(FOLDER, file), 'utf8'));

const groups = read('groups.json') as Record<string, Group>;
const scores = read('scores.json') as Record<string, Score>;

const words = process.argv.slice(2);
const [name = '', ...files] = words.filter((word) => word !== '--update');
const group = groups[name];
if (group === undefined) {
  console.error(`There is no group "${name}": use one of ${Object.keys(groups).join(', ')}.`);
  process.exit(2);
}

process.env['MUTANTS_TESTS'] = group.tests.join(',');
const results = await new Stryker({
  mutate: files.length > 0 ? files : [...group.mutate],
  testRunner: 'vitest',
  vitest: { configFile: 'test/mutants/vitest.config.ts', related: false },
  plugins: ['@stryker-mutator/vitest-runner'],
  reporters: ['clear-text', 'html', 'json', 'progress-append-only'],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false, skipFull: true },
  htmlReporter: { fileName: `reports/mutants/${name}.html` },
  jsonReporter: { fileName: `reports/mutants/${name}.json` },
  ignorePatterns: ['.registrar', 'dist', 'coverage', 'reports', 'docs/api'],
  concurrency: 2,
  timeoutMS: 20_000,
  allowConsoleColors: false,
}).runMutationTest();

const count = (...statuses: readonly string[]): number =>
  results.filter(({ status }) => statuses.includes(status)).length;
const noticed = count('Killed', 'Timeout');
const survived = count('Survived', 'NoCoverage');
const percent = Math.floor((noticed / (noticed + survived)) * 1000) / 10;
console.log(`${name}: ${noticed} of ${noticed + survived} changes noticed, ${percent} %`);

if (files.length === 0) {
  const wanted = Math.max(group.floor, scores[name]?.percent ?? 0);
  if (percent < wanted) {
    console.error(`${name}: ${wanted} % are wanted; reports/mutants/${name}.html shows what was not noticed.`);
    process.exitCode = 1;
  }
  if (words.includes('--update') && percent > (scores[name]?.percent ?? 0)) {
    scores[name] = { percent, noticed, survived, date: new Date().toISOString().slice(0, 10) };
    writeFileSync(join(FOLDER, 'scores.json'), `${JSON.stringify(scores, null, 2)}\n`);
  }
}
