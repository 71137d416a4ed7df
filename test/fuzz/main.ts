/** `npm run fuzz`: garbage through a real broker and bridge, with nodes among it, and an account of all of it. */
import { randomInt } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { lined } from '../../src/cli/terminal/format.js';
import { log, print } from '../../src/cli/terminal/output.js';
import { startStack } from '../../src/stack/index.js';
import { logger } from '../../src/telemetry.js';
import { Installation } from '../integration/installation.js';
import { fuzz, type FuzzResult, type Pace } from './run.js';

interface Options {
  readonly seed: number;
  readonly garbage: number;
  readonly nodes: number;
}

const HEARTBEATS = 20_000;
const WITHIN = 3_600;

async function main({ seed, garbage, nodes }: Options): Promise<void> {
  log(`seed ${seed}; again: npm run fuzz -- --seed ${seed} --garbage ${garbage} --nodes ${nodes}`);
  const dataDir = await mkdtemp(join(tmpdir(), 'node-registrar-fuzz-'));
  // Where we are root, PostgreSQL runs as somebody else, who must get at its data.
  await chmod(dataDir, 0o755);
  const silent = logger('fuzz').child({}, { level: 'silent' });
  const stack = await startStack({ dataDir, env: process.env, onProgress: () => undefined, logger: silent });
  try {
    Object.assign(process.env, stack.environment());
    const registrar = await Installation.start();
    try {
      report(await fuzz(registrar, { seed, garbage, nodes, heartbeats: HEARTBEATS, within: WITHIN, onProgress: log }));
    } finally {
      await registrar.stop();
    }
  } finally {
    await stack.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
}

function report(result: FuzzResult): void {
  const { faults, nodes, codes, totals, signals, amongGarbage, heartbeatsAlone, activeSeconds } = result;
  const letters = Object.entries(codes).map(([code, count]) => [`dead letters, ${code}`, String(count)]);
  print(
    lined(
      ['figure', 'value'],
      [
        ['records in the topics', String(totals.read)],
        ['of them handled', String(totals.read - totals.refused)],
        ['of them dead letters, each with code and sentence', String(totals.refused)],
        ...letters,
        ['dead letters that a repeated send wrote again', String(totals.repeated)],
        ['nodes active in PostgreSQL and passing in Consul', String(nodes)],
        ['seconds until the last was active', activeSeconds.toFixed(1)],
        ['signals in their histories, each of the normal form', String(signals)],
        ['pace among garbage, records/s', rateOf(amongGarbage).toFixed(0)],
        ['pace of valid heartbeats alone, records/s', rateOf(heartbeatsAlone).toFixed(0)],
        ['seconds until the last record was read, of garbage', amongGarbage.behind.toFixed(1)],
        ['ratio', (rateOf(amongGarbage) / rateOf(heartbeatsAlone)).toFixed(2)],
        ['faults', String(faults.length)],
      ],
    ),
  );
  for (const fault of faults) log(fault);
  if (faults.length > 0) process.exitCode = 1;
}

function rateOf({ records, seconds }: Pace): number {
  return records / seconds;
}

function count(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Give a whole number.');
  return Number(text);
}

await new Command('npm run fuzz --')
  .option('--seed <number>', 'the same records again', count, randomInt(2 ** 31 - 1))
  .option('--garbage <number>', 'records of which no node can be registered', count, 200_000)
  .option('--nodes <number>', 'nodes among them', count, 2_000)
  .action(main)
  .parseAsync();
