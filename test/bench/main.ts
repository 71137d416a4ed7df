/** `npm run bench`: every scenario, or those named, and one table at the end. */
import { readdirSync } from 'node:fs';
import { Command, Option } from 'commander';
import pc from 'picocolors';
import { lined } from '../../src/cli/terminal/format.js';
import { log, print } from '../../src/cli/terminal/output.js';
import { machine } from './support/machine.js';
import type { Figure, Outcome, Scenario } from './support/scenario.js';
import { versions } from './support/servers.js';

const SCENARIOS = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.ts') && file !== 'main.ts')
  .map((file) => file.replace('.ts', ''));

async function bench({
  scenario,
  json,
}: {
  readonly scenario?: readonly string[];
  readonly json?: true;
}): Promise<void> {
  const outcomes = new Map<string, Outcome>();
  const at = machine();
  for (const name of scenario ?? SCENARIOS) {
    log(pc.bold(name));
    const { run } = (await import(`./${name}.js`)) as { readonly run: Scenario };
    outcomes.set(name, await run((text) => log(`  ${text}`)));
  }
  const all = [...outcomes];
  print(`machine: ${at}`);
  if (versions.size > 0) print(`servers: ${[...versions.values()].join(', ')}`);
  for (const [name, { counts }] of all) print(`${name}: ${counts}`);
  print(
    lined(
      ['scenario', 'figure', 'measured', 'baseline of the same run', 'ratio', 'goal', 'at worst', ''],
      all.flatMap(([name, { figures }]) => figures.map((figure) => row(name, figure))),
    ),
  );
  if (json === true) print(JSON.stringify(Object.fromEntries(all.map(([name, outcome]) => [name, outcome.json]))));
}

function row(scenario: string, { name, value, unit, baseline, ratio, goal }: Figure): string[] {
  const wanted =
    goal === undefined
      ? ['', '', '']
      : [bound(goal.goal, goal), bound(goal.limit, goal), verdict(goal.of === 'ratio' ? ratio : value, goal)];
  return [
    scenario,
    name,
    `${figureText(value)}${unit === '' || unit.startsWith('/') ? '' : ' '}${unit}`,
    baseline,
    ratio.toPrecision(3),
    ...wanted,
  ];
}

type Goal = NonNullable<Figure['goal']>;

function bound(value: number, { better, of }: Goal): string {
  return `${better === 'higher' ? '≥' : '≤'} ${figureText(value)}${of === 'ratio' ? ' (ratio)' : ''}`;
}

function verdict(value: number, { goal, limit, better }: Goal): string {
  const meets = (wanted: number): boolean => (better === 'higher' ? value >= wanted : value <= wanted);
  if (meets(goal)) return pc.green('reached');
  return meets(limit) ? pc.yellow('acceptable') : pc.red('NOT ACCEPTABLE');
}

function figureText(value: number): string {
  return value >= 1000 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)));
}

await new Command('bench')
  .description('Measures the registrar against baselines of the same run, on real servers.')
  .addOption(new Option('--scenario <name...>', 'only these').choices(SCENARIOS))
  .option('--json', 'one more line at the end, for programs')
  .action(bench)
  .parseAsync();
