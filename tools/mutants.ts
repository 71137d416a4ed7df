import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Stryker } from '@stryker-mutator/core';
import { changeOf, compareSurvivors, readSurvivors } from './mutants-survivors.js';

/**
 * `npm run mutants -- GROUP [--update] [--anew] [FILE[:FROM-TO] …]` changes the code of a group in one place at a time
 * and counts the changes that its tests notice. The score must reach the group's floor, and must not fall below the
 * stored one; `--update` stores a higher one. In the groups of survivors.yaml each change that survives has its reason
 * there. With files, only these are changed, and no score is compared. What was measured before stays where no code
 * and no test has changed, also of single files: a long group can be measured in parts. `--anew` measures everything.
 */

interface Group {
  /** Which files are changed; a pattern with "!" leaves files out. */
  readonly mutate: readonly string[];
  /** Which tests must notice: files, or folders with files; "!" leaves a file out. */
  readonly tests: readonly string[];
  /** Percent of the changes that must be noticed at the least. */
  readonly floor: number;
  /**
   * The code runs in the sandbox of the workflow, and is changed in the bundle that the tests read. No test can say
   * what it passes there: every change runs them all, in the order in which they stand here.
   */
  readonly bundled?: boolean;
}

interface Score {
  /** Percent of the changes that the tests noticed. */
  readonly percent: number;
  readonly noticed: number;
  readonly survived: number;
  /** The commit at which this was measured, and its date. */
  readonly commit: string;
  readonly date: string;
}

const ROOT = join(import.meta.dirname, '..');
const FOLDER = join(ROOT, 'test/mutants');
const read = (file: string): unknown => JSON.parse(readFileSync(join(FOLDER, file), 'utf8'));

const groups = read('groups.json') as Record<string, Group>;
const scores = read('scores.json') as Record<string, Score>;

const words = process.argv.slice(2);
const [name = '', ...files] = words.filter((word) => !word.startsWith('--'));
const group = groups[name];
if (group === undefined) {
  console.error(`There is no group "${name}": use one of ${Object.keys(groups).join(', ')}.`);
  process.exit(2);
}

const NONE = { unnamed: [], outdated: [] };

/** Files of tests, the fast ones first: a property tries many values, and the first test that fails ends a change. */
function testFiles(paths: readonly string[]): readonly string[] {
  const all = paths
    .filter((path) => !path.startsWith('!'))
    .flatMap((path) =>
      path.endsWith('.ts')
        ? [path]
        : readdirSync(join(ROOT, path), { recursive: true, encoding: 'utf8' })
            .filter((file) => file.endsWith('.test.ts'))
            .sort()
            .map((file) => `${path}/${file}`),
    )
    .filter((file) => !paths.includes(`!${file}`));
  const isSlow = (file: string): number => Number(readFileSync(join(ROOT, file), 'utf8').includes('assertProperty'));
  return all.sort((one, other) => isSlow(one) - isSlow(other));
}

// A few random values, always the same ones: the tests run once for each change.
process.env['PROPERTY_SEED'] = '1';
process.env['PROPERTY_RUNS'] = '30';
process.env['MUTANTS_BUNDLED'] = String(group.bundled === true);
// A change whose tests use more of a core is an endless loop. Those of a bundle have servers and workers.
process.env['MUTANTS_CPU_SECONDS'] = group.bundled === true ? '60' : '10';
process.env['TEST_PATIENCE_SECONDS'] = '5';
process.env['MUTANTS_TESTS'] = JSON.stringify(testFiles(group.tests));
const results = await new Stryker({
  mutate: files.length > 0 ? files : [...group.mutate],
  testRunner: 'one-process',
  coverageAnalysis: group.bundled === true ? 'off' : 'perTest',
  testRunnerNodeArgs: ['--import', 'tsx'],
  plugins: [join(ROOT, 'tools/mutants-one-process.ts')],
  reporters: ['clear-text', 'html', 'json', 'progress-append-only'],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false, skipFull: true },
  htmlReporter: { fileName: `reports/mutants/${name}.html` },
  jsonReporter: { fileName: `reports/mutants/${name}.json` },
  incremental: true,
  force: words.includes('--anew'),
  incrementalFile: `reports/mutants/${name}-incremental.json`,
  ignorePatterns: ['.registrar', 'dist', 'coverage', 'reports', 'docs/api'],
  concurrency: group.bundled === true ? 1 : 2,
  // The test runner knows better: on a busy machine the time of a clock says nothing.
  timeoutMS: 3_600_000,
  allowConsoleColors: false,
}).runMutationTest();

const count = (...statuses: readonly string[]): number =>
  results.filter(({ status }) => statuses.includes(status)).length;
const noticed = count('Killed', 'Timeout');
const survived = count('Survived', 'NoCoverage');
const percent = Math.floor((noticed / (noticed + survived)) * 1000) / 10;
console.log(`${name}: ${noticed} of ${noticed + survived} changes noticed, ${percent} %`);

if (files.length === 0) {
  const isSurvivor = ({ status }: { readonly status: string }): boolean => ['Survived', 'NoCoverage'].includes(status);
  const survivors = results.filter(isSurvivor).map((mutant) => changeOf(ROOT, mutant));
  const known = readSurvivors(FOLDER, name);
  const { unnamed, outdated } = known === null ? NONE : compareSurvivors(survivors, known);
  for (const { file, change } of unnamed) console.error(`${file}: survives without a reason: ${change}`);
  for (const { file, change } of outdated) console.error(`${file}: no longer survives, take it out: ${change}`);
  if (unnamed.length + outdated.length > 0) process.exitCode = 1;

  const wanted = Math.max(group.floor, scores[name]?.percent ?? 0);
  if (percent < wanted) {
    console.error(`${name}: ${wanted} % are wanted; reports/mutants/${name}.html shows what was not noticed.`);
    process.exitCode = 1;
  }
  if (words.includes('--update') && percent > (scores[name]?.percent ?? 0)) {
    const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: ROOT, encoding: 'utf8' }).trim();
    scores[name] = { percent, noticed, survived, commit, date: new Date().toISOString().slice(0, 10) };
    writeFileSync(join(FOLDER, 'scores.json'), `${JSON.stringify(scores, null, 2)}\n`);
  }
}
