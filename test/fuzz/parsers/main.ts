/** `npm run fuzz:parsers`: everything that reads foreign bytes, with inputs that are led by the code they reach. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { randomInt } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { lined } from '../../../src/cli/terminal/format.js';
import { log, print } from '../../../src/cli/terminal/output.js';
import type { Said } from './child.js';
import type { Progress } from './explore.js';
import { TARGETS } from './targets.js';

interface Options {
  readonly target: readonly string[];
  readonly seed: number;
  readonly seconds: number;
}

interface Outcome {
  readonly progress: Progress;
  /** null: the target stood every input. */
  readonly finding: string | null;
}

const FOLDER = 'reports/fuzz';
/** Inputs take less than a millisecond; progress is shown every second of the processor: a busy one takes longer. */
const HANGS_AFTER_MS = 120_000;
const HEAP_MB = 768;

async function main({ target, seed, seconds }: Options): Promise<void> {
  const again = `npm run fuzz:parsers -- --seed ${seed} --seconds ${seconds} --target ${target.join(' ')}`;
  log(`seed ${seed}; again: ${again}`);
  mkdirSync(FOLDER, { recursive: true });
  const rows: string[][] = [];
  for (const name of target) {
    const file = join(FOLDER, `${name}-${seed}.input`);
    const { progress, finding } = await inItsProcess(name, seed, seconds, file);
    const { inputs, corpus, reached } = progress;
    rows.push([name, String(inputs), String(reached), String(corpus), finding === null ? 'stood' : 'FOUND']);
    if (finding === null) {
      rmSync(file, { force: true });
      continue;
    }
    process.exitCode = 1;
    const kept = file.replace(/\.input$/, '.found');
    renameSync(file, kept);
    log(`${name}: ${finding}\n  the input: ${kept}; again: npm run fuzz:parsers -- --target ${name} --input ${kept}`);
  }
  print(lined(['target', 'inputs', 'code reached, characters', 'inputs kept', 'outcome'], rows));
}

/** Ends when the time is over, at the first finding, or when the process is gone. */
async function inItsProcess(name: string, seed: number, seconds: number, file: string): Promise<Outcome> {
  writeFileSync(file, '');
  const child = fork(join(import.meta.dirname, 'child.ts'), [name, String(seed), String(seconds), file], {
    execArgv: ['--import', 'tsx', '--expose-gc', `--max-old-space-size=${HEAP_MB}`],
  });
  let said: Said = { progress: { inputs: 0, corpus: 0, reached: 0 } };
  let hangs = false;
  const hang = (): void => {
    hangs = true;
    child.kill('SIGKILL');
  };
  let timer = setTimeout(hang, HANGS_AFTER_MS);
  child.on('message', (one: Said) => {
    said = one;
    clearTimeout(timer);
    timer = setTimeout(hang, HANGS_AFTER_MS);
  });
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
  clearTimeout(timer);
  const { progress, ended, finding } = said;
  if (hangs) return { progress, finding: `an input takes longer than ${HANGS_AFTER_MS / 1_000} s` };
  if (ended === true && code === 0) return { progress, finding: finding ?? null };
  return { progress, finding: `the process ended: ${signal ?? `exit code ${code ?? 'none'}`}` };
}

/** One input again, in this process. */
function again(name: string, file: string): void {
  const target = TARGETS[name];
  if (target === undefined) throw new InvalidArgumentError(`There is no target ${name}.`);
  target.run(readFileSync(file));
  log('the target stands it');
}

function count(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Give a whole number.');
  return Number(text);
}

await new Command('npm run fuzz:parsers --')
  .option('--target <name...>', 'some of them', Object.keys(TARGETS))
  .option('--seconds <number>', 'of the processor, for each', count, 60)
  .option('--seed <number>', 'the same inputs again, as far as the clock allows', count, randomInt(2 ** 31 - 1))
  .option('--input <file>', 'only this input, to the target')
  .action((options: Options & { readonly input?: string }) => {
    if (options.input === undefined) return main(options);
    for (const name of options.target) again(name, options.input);
    return undefined;
  })
  .parseAsync();
