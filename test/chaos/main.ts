/** `npm run chaos`: every scenario, or those named, each on servers of its own, and one table at the end. */
import { randomInt } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { execa } from 'execa';
import pc from 'picocolors';
import { lined } from '../../src/cli/terminal/format.js';
import { log, print } from '../../src/cli/terminal/output.js';
import { startStack } from '../../src/stack/index.js';
import { logger } from '../../src/telemetry.js';
import { runScenario, type Outcome } from './run-scenario.js';
import type { Scenario } from './scenario.js';
import { row, TITLES } from './table.js';
import { KafkaCluster } from './world/kafka-cluster.js';

const SCENARIOS = readdirSync(join(import.meta.dirname, 'scenarios')).map((file) => file.replace('.ts', ''));

interface Options {
  readonly scenario?: readonly string[];
  readonly seed: number;
  readonly nodes: number;
  readonly seconds: number;
  readonly keep?: string;
}

async function chaos({ scenario = SCENARIOS, seed, nodes, seconds, keep }: Options): Promise<void> {
  log(`seed ${seed}; again: npm run chaos -- --seed ${seed} --nodes ${nodes} --seconds ${seconds}`);
  const rows: string[][] = [];
  for (const name of scenario) {
    const loaded = (await import(`./scenarios/${name}.js`)) as { readonly scenario: Scenario };
    log(pc.bold(`${name}: ${loaded.scenario.what}`));
    if (loaded.scenario.postgresMb !== undefined && process.getuid?.() !== 0) {
      log('  skipped: a file system of its own size needs root');
      continue;
    }
    try {
      const outcome = await onServers(loaded.scenario, { seed, nodes, seconds });
      for (const { rule, node_id, what } of outcome.violations) log(pc.red(`  ${rule}: ${node_id ?? ''}: ${what}`));
      if (keep !== undefined) await keepSnapshot(join(keep, `${name}-${seed}.json`), outcome);
      rows.push(row(name, seed, loaded.scenario, outcome));
      if (outcome.violations.length > 0) process.exitCode = 1;
      log(`  ${rows.at(-1)?.at(-1) ?? ''}, settled after ${outcome.settled_seconds} s`);
    } catch (error) {
      // The others can still be run.
      log(pc.red(`  ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`));
      rows.push([name, String(seed), loaded.scenario.what, '', '', '', '', 'COULD NOT BE RUN']);
      process.exitCode = 1;
    }
  }
  print(lined(TITLES, rows));
}

async function onServers(scenario: Scenario, options: Pick<Options, 'seed' | 'nodes' | 'seconds'>): Promise<Outcome> {
  const directory = await mkdtemp(join(tmpdir(), 'node-registrar-chaos-'));
  const dataDir = join(directory, 'data');
  // Where we are root, PostgreSQL runs as somebody else, who must get at its data.
  await chmod(directory, 0o755);
  await mkdir(join(dataDir, 'postgres'), { recursive: true });
  const disk =
    scenario.postgresMb === undefined ? null : await smallDisk(join(dataDir, 'postgres'), scenario.postgresMb);
  const silent = logger('chaos').child({}, { level: 'silent' });
  const cluster = scenario.threeBrokers === true ? await KafkaCluster.start(join(directory, 'brokers')) : null;
  const given = { ...process.env, ...(cluster !== null && { KAFKA_BROKERS: cluster.brokers.join(',') }) };
  const stack = await startStack({ dataDir, env: given, onProgress: () => undefined, logger: silent });
  try {
    const env = { ...process.env, ...stack.environment(), REGISTRAR_DATA_DIR: dataDir };
    return await runScenario(scenario, {
      ...options,
      deadly: true,
      env,
      cluster,
      directory: join(directory, 'contracts'),
      log: (text) => log(`  ${new Date().toISOString().slice(11, 19)} ${text}`),
    });
  } finally {
    await stack.stop();
    await cluster?.stop();
    await disk?.remove();
    await rm(directory, { recursive: true, force: true });
  }
}

/** A file system of this many MB, in memory. */
async function smallDisk(directory: string, megabytes: number): Promise<{ readonly remove: () => Promise<unknown> }> {
  await execa('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=755`, 'tmpfs', directory]);
  return { remove: () => execa('umount', [directory]) };
}

async function keepSnapshot(file: string, { snapshot, violations }: Outcome): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, JSON.stringify({ violations, snapshot }, null, 1));
  log(`  the checker's snapshot is in ${file}`);
}

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('a whole number, please');
  return Number(text);
}

await new Command('chaos')
  .description('Breaks the registrar in every way under a load, and checks what is left, on real servers.')
  .addOption(new Option('--scenario <name...>', 'only these').choices(SCENARIOS))
  .option('--seed <number>', 'what the load and each disturbance do, and when', wholeNumber, randomInt(2 ** 31))
  .option('--nodes <number>', 'nodes besides six of the SDK', wholeNumber, 30)
  .option('--seconds <number>', 'how long the nodes do new things', wholeNumber, 60)
  .option('--keep <directory>', "writes the checker's snapshots there")
  .action(chaos)
  .parseAsync();
