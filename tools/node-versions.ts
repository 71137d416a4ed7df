import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { execa } from 'execa';
import { binFolder, installNode, VERSIONS, type Version } from './node-programs.js';

/**
 * Types, unit tests and workflow tests on the versions of Node that package.json allows and that do not run this: `npm
 * run test:versions`, with a folder for the reports where somebody wants them. `npm run types` and `npm test` are the
 * same for the version that is running.
 */

const ROOT = join(import.meta.dirname, '..');

/** This project with the types of another Node: links to all of it, and @types/node instead of ours. */
async function checkTypes(modules: string): Promise<string> {
  const project = mkdtempSync(join(tmpdir(), 'node-types-'));
  try {
    const others = (folder: string, except: string): void => {
      mkdirSync(join(project, folder), { recursive: true });
      for (const name of readdirSync(join(ROOT, folder)))
        if (name !== except) symlinkSync(join(ROOT, folder, name), join(project, folder, name));
    };
    others('', 'node_modules');
    others('node_modules', '@types');
    others('node_modules/@types', 'node');
    symlinkSync(join(modules, '@types/node'), join(project, 'node_modules/@types/node'));
    const tsc = join(ROOT, 'node_modules/.bin/tsc');
    const options = { cwd: project, stdio: 'inherit', reject: false } as const;
    const { exitCode } = await execa(tsc, ['--noEmit', '--preserveSymlinks'], options);
    if (exitCode === 0) return 'types hold';
    process.exitCode = 1;
    return 'types do not hold';
  } finally {
    rmSync(project, { recursive: true });
  }
}

/** What vitest's own report says. */
async function runTests(version: Version, modules: string, reports: string): Promise<string> {
  const bin = binFolder(modules);
  const report = join(reports, `node-${version.node}.json`);
  const projects = ['--project', 'unit', '--project', 'time-skipping'];
  const reporters = ['--reporter', 'dot', '--reporter', 'json', '--outputFile.json', report];
  await execa(join(bin, 'node'), ['node_modules/vitest/vitest.mjs', 'run', ...projects, ...reporters], {
    cwd: ROOT,
    stdio: 'inherit',
    env: { PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}` },
    reject: false,
  });
  const { success, numPassedTests, numFailedTests } = JSON.parse(readFileSync(report, 'utf8')) as {
    success: boolean;
    numPassedTests: number;
    numFailedTests: number;
  };
  if (!success) process.exitCode = 1;
  return `${numPassedTests} tests passed, ${numFailedTests} failed`;
}

const [given] = process.argv.slice(2);
const reports = given ?? mkdtempSync(join(tmpdir(), 'node-versions-'));
const [major] = process.versions.node.split('.');
const lines: string[] = [];
for (const version of VERSIONS.filter(({ node }) => !node.startsWith(`${major}.`))) {
  const modules = await installNode(version);
  const types = await checkTypes(modules);
  lines.push(`Node ${version.node}: ${types}, ${await runTests(version, modules, reports)}`);
}
if (given === undefined) rmSync(reports, { recursive: true });
console.log(lines.join('\n'));
