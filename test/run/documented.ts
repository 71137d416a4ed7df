import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The commands that the pages show: each is run by a test, or stands in a short list with the reason why not. */

const ROOT = join(import.meta.dirname, '../..');

export interface DocumentedCommand {
  /** As it is typed, without its comment; `registrar …` however the page calls it. */
  readonly text: string;
  readonly page: string;
}

/** The pages that people write. */
function pages(): readonly string[] {
  const docs = readdirSync(join(ROOT, 'docs')).filter((file) => file.endsWith('.md'));
  return ['README.md', 'CONTRIBUTING.md', ...docs.map((file) => `docs/${file}`)];
}

/** Every command of every page, each once, in the order of the pages. */
export function documentedCommands(): readonly DocumentedCommand[] {
  const all = pages().flatMap((page) =>
    commandsIn(readFileSync(join(ROOT, page), 'utf8')).map((text) => [text, { text, page }] as const),
  );
  return [...new Map(all.toReversed()).values()].toReversed();
}

/** A page's commands: lines of shell blocks, what follows a prompt in consoles, and `registrar …` in the text. */
export function commandsIn(page: string): readonly string[] {
  const blocks = [...page.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].flatMap(([, language, text = '']) => {
    if (language !== 'sh' && language !== 'console') return [];
    const lines = text.replaceAll(/\\\n\s*/g, '').split('\n');
    return language === 'sh' ? lines : lines.flatMap((line) => (line.startsWith('$ ') ? [line.slice(2)] : []));
  });
  const prose = page.replace(/^```[\s\S]*?^```$/gm, '');
  const inline = [...prose.matchAll(/`((?:npm run registrar --|registrar) [^`…[]+)`/g)].map(([, code = '']) => code);
  return [...blocks, ...inline].flatMap((line) =>
    line
      .replace(/ +# .*$/, '')
      .split(' && ')
      .map((command) =>
        command
          .replace(/\s+/g, ' ')
          .trim()
          .replace(/npm run (?:--silent )?registrar --/, 'registrar'),
      )
      .filter((command) => command !== ''),
  );
}

/** Who runs a command: `registrar` without servers or with them, a shell, a database's client, the API's reader. */
export type Runner = 'registrar alone' | 'registrar' | 'shell' | 'psql' | 'read API';

const RUNNERS: readonly (readonly [RegExp, Runner])[] = [
  [/^registrar (contracts|completion) /, 'registrar alone'],
  [/^registrar /, 'registrar'],
  [/^openssl /, 'shell'],
  [/^psql /, 'psql'],
  [/^curl .*\/v1\//, 'read API'],
];

/** What no test types as the page has it, and why. */
export const NOT_RUN: readonly (readonly [RegExp, string])[] = [
  [/^npm (ci|test|run )/, 'a script of the package: .ci/run runs the daily ones, people the others'],
  [/^\.ci\/run$/, 'it runs the tests'],
  [/npm run demo/, 'it brings its own servers: test/integration/demo.test.ts'],
  [/^docker compose /, 'it needs a Docker engine; what it starts is checked by test/unit/files/compose.test.ts'],
  [/^kubectl apply /, 'it needs a cluster; what is applied is checked by test/unit/files/deploy.test.ts'],
  [/^temporal operator /, 'it needs a server without our set-up: test/temporal-server'],
  [/^temporal worker deployment /, 'it needs two versions: test/integration/rolling-deploy.test.ts'],
  [/^sh test\/python\/wire\.sh$/, 'it needs packages of the other implementation'],
  [/^curl .*:9464/, 'it needs a worker and a bridge with metrics: test/integration/metrics.test.ts'],
  [/(^| )registrar (up|worker|bridge)\b/, 'it runs until it is ended: test/integration/processes.test.ts'],
  [/^registrar (ui|watch)$/, 'it runs until it is ended: test/integration/fleet-page.test.ts and cli.test.ts'],
  [/^registrar codec-server$/, 'it runs until it is ended: test/integration/payloads.test.ts'],
  [/^registrar node .*--key/, 'it needs a contract with signing: test/integration/signing.test.ts'],
  [/^registrar (stop|start) consul$/, 'it needs servers of our own: test/integration/demo.test.ts'],
  [/^registrar wipe$/, 'it deletes the servers’ data: test/integration/demo.test.ts'],
  [/^registrar setup --partitions 24/, 'it needs three brokers; its options: test/integration/kafka-access.test.ts'],
  [/^registrar self-preservation release$/, 'nothing holds: test/integration/self-preservation.test.ts'],
  [/^registrar contracts schema$/, 'it writes into the sources: test/unit/contracts/generated.test.ts'],
  [/^registrar dlq$/, 'it names a group of commands'],
];

/** @returns null: no test runs it */
export function runnerOf({ text }: DocumentedCommand): Runner | null {
  if (NOT_RUN.some(([pattern]) => pattern.test(text))) return null;
  return RUNNERS.find(([pattern]) => pattern.test(text))?.[1] ?? null;
}

/** The commands of one runner. */
export function commandsFor(...runners: readonly Runner[]): readonly DocumentedCommand[] {
  return documentedCommands().filter((command) => {
    const runner = runnerOf(command);
    return runner !== null && runners.includes(runner);
  });
}
