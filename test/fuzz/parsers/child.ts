/** One target in a process of its own: whatever an input does to it, main.ts knows the input. */
import { ftruncateSync, openSync, writeSync } from 'node:fs';
import { Coverage } from './coverage.js';
import { explore, type Finding, type Progress } from './explore.js';

/** What the process sends. */
export interface Said {
  readonly progress: Progress;
  /** Only at the end. */
  readonly ended?: true;
  /** What the input did, which is in the file. */
  readonly finding?: Finding['what'];
}

const [name = '', seed = '', seconds = '', file = ''] = process.argv.slice(2);
const coverage = new Coverage();
const { TARGETS } = await import('./targets.js');
const target = TARGETS[name];
if (target === undefined) throw new Error(`there is no target ${name}`);

const current = openSync(file, 'w');
const write = (input: Buffer): void => {
  ftruncateSync(current);
  writeSync(current, input, 0, input.length, 0);
};
/** Time of the processor: on a busy machine it is the same search, and waiting is no finding. */
const clock = { now: () => (({ user, system }) => (user + system) / 1_000)(process.cpuUsage()) };
const say = (said: Said): void => void process.send?.(said);

const { finding, ...progress } = await explore(target, {
  coverage,
  clock,
  seed: Number(seed),
  seconds: Number(seconds),
  onInput: write,
  onProgress: (one) => say({ progress: one }),
});
if (finding !== null) write(finding.input);
say({ progress, ended: true, ...(finding === null ? {} : { finding: finding.what }) });
process.disconnect?.();
