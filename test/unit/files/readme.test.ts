import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { createProgram } from '../../../src/cli/main.js';
import { ContractError, loadContracts } from '../../../src/contracts/load.js';
import { commandsFor, commandsIn, documentedCommands, NOT_RUN, runnerOf } from '../../run/documented.js';
import { contractDirectory } from '../contracts/contract-files.js';

/** The README and the pages that it leads to are believed: what they name must be there. */

const ROOT = join(import.meta.dirname, '../../..');
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
/** The pages that people write, by file. */
const PAGES = new Map(
  [
    'README.md',
    ...readdirSync(join(ROOT, 'docs'))
      .filter((file) => file.endsWith('.md'))
      .map((file) => `docs/${file}`),
  ].map((file) => [file, read(file)] as const),
);
const TEXT = [...PAGES.values()].join('\n');

const blocks = [...TEXT.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(([, language, text]) => ({
  language,
  text: text ?? '',
}));
const block = (language: string): string => blocks.find((one) => one.language === language)?.text ?? '';
/**
 * Inline code and shell lines: where commands are named. What programs have printed names them too, and is not ours to
 * check.
 */
const said = [...TEXT.replace(/^```[\s\S]*?^```$/gm, '').matchAll(/`([^`\n]+)`/g)]
  .map(([, code]) => code ?? '')
  .concat(blocks.filter(({ language }) => language === 'sh').flatMap(({ text }) => text.split('\n')));

describe('the README and its pages', () => {
  it('names only npm scripts that there are', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = said
      .flatMap((code) => [...code.matchAll(/npm (?:run )?([a-z:]+)/g)].map(([, script]) => script ?? ''))
      .filter((script) => !['ci', 'install', 'run'].includes(script));
    expect(named).toEqual(expect.arrayContaining(['demo', 'test', 'registrar', 'check', 'format', 'build']));
    for (const script of named) expect(Object.keys(scripts)).toContain(script);
  });

  it('names only commands and options that registrar has, and leaves no command out', () => {
    const commands = createProgram().commands;
    const named = said.flatMap((code) =>
      [...code.matchAll(/(?:npm run registrar --|registrar|npm run (?=demo)) ([a-z][a-z-]*)((?: [^#`|&]+)?)/g)].map(
        ([, verb, rest]) => ({ verb, rest: rest ?? '', code }),
      ),
    );
    for (const { verb, rest, code } of named) {
      const command = commands.find((one) => one.name() === verb);
      expect(command, code).toBeDefined();
      for (const [option] of rest.matchAll(/(?<= )--?[a-z-]+/g))
        expect(
          command?.options.flatMap(({ long, short }) => [long, short]),
          code,
        ).toContain(option);
    }
    const words = new Set(said.flatMap((code) => code.split(/[^a-z-]+/)));
    for (const command of commands)
      expect(words, `registrar ${command.name()} is not mentioned`).toContain(command.name());
  });

  it('shows only commands that a test runs, or that stand in a list with the reason why not', () => {
    const documented = documentedCommands();
    const isExcused = (text: string): boolean => NOT_RUN.some(([pattern]) => pattern.test(text));
    expect(documented.filter(({ text, ...at }) => !isExcused(text) && runnerOf({ text, ...at }) === null)).toEqual([]);
    expect(commandsFor('registrar alone', 'registrar', 'read API', 'psql', 'shell').length).toBeGreaterThan(20);
    for (const [pattern, reason] of NOT_RUN) {
      expect(
        documented.some(({ text }) => pattern.test(text)),
        `${pattern} excuses nothing`,
      ).toBe(true);
      for (const [path] of reason.matchAll(/test\/[\w./-]*\w/g)) expect(existsSync(join(ROOT, path)), path).toBe(true);
    }
  });

  it('would show a command that nobody runs', () => {
    const page =
      '```sh\nnpm run registrar -- list  # all\nrsync a \\\n  b && ls\n```\n```console\n$ whoami\nroot\n```\n' +
      'Then `registrar doctor`, and `registrar contracts trace [dir]`.\n```yaml\na: 1\n```\n';
    const commands = commandsIn(page);
    expect(commands).toEqual(['registrar list', 'rsync a b', 'ls', 'whoami', 'registrar doctor']);
    expect(commands.map((text) => runnerOf({ text, page: '' }))).toEqual(['registrar', null, null, null, 'registrar']);
  });

  it('names only paths that are there', () => {
    const tops = readdirSync(ROOT).filter((name) => !['node_modules', 'dist'].includes(name));
    for (const [file, page] of PAGES)
      for (const [, target = ''] of page.matchAll(/\]\(([^)#]+)[^)]*\)/g))
        if (!target.startsWith('http'))
          expect(existsSync(join(ROOT, dirname(file), target)), `${file} links to ${target}`).toBe(true);
    const named = said.filter((code) => /^[\w./-]+$/.test(code) && tops.includes(code.split('/')[0] ?? ''));
    expect(named.length).toBeGreaterThan(20);
    for (const path of named) expect(existsSync(join(ROOT, path)), path).toBe(true);
  });

  it('links only to headings that there are', () => {
    for (const [file, page] of PAGES)
      for (const [, target = '', anchor] of page.matchAll(/\]\(([^)#\s]*)#([^)]+)\)/g))
        if (!target.startsWith('http'))
          expect(headingsOf(target === '' ? file : join(dirname(file), target)), `${file}: #${anchor}`).toContain(
            anchor,
          );
  });

  it('has every variable of the configuration in its table, and no other', () => {
    const cells = [...TEXT.matchAll(/^\| (`[A-Z].*?) \|/gm)].map(([, cell]) => cell ?? '');
    const table = cells.flatMap((cell) =>
      [...cell.matchAll(/`([A-Z][A-Z_]+)`/g)].map(([, variable]) => variable ?? ''),
    );
    expect(new Set(table).size).toBe(table.length);

    const config = [
      ...files('src/config', '.ts')
        .map(read)
        .join('\n')
        .matchAll(/'([A-Z][A-Z_]{3,})'|^ {2}([A-Z][A-Z_]+):/gm),
    ].map(([, text, key]) => text ?? key ?? '');
    // The user's name is no setting of ours, nor are Kafka's words for what a setting may be.
    const others = ['USER', 'PLAIN', 'PLAINTEXT', 'SASL', 'SASL_PLAINTEXT', 'SASL_SSL', 'OAUTHBEARER'];
    for (const variable of config.filter((name) => !others.includes(name))) expect(table).toContain(variable);

    const temporals = 'node_modules/@temporalio/envconfig/lib';
    const elsewhere = [...files('src', '.ts'), ...files(temporals, '.js')].map(read).join('\n');
    for (const variable of table)
      expect(config.includes(variable) || new RegExp(`\\b${variable}\\b`).test(elsewhere), variable).toBe(true);
  });

  it('names only topics’ and backends’ words that the contracts know', () => {
    const known = loadContracts().compiled;
    for (const state of said.filter((code) => /^[A-Z]+_[A-Z_]+$/.test(code) && !code.includes('='))) {
      // Temporal has more variables than the table shows one by one.
      const isVariable = /^TEMPORAL_/.test(state) || TEXT.includes(`| \`${state}\``) || TEXT.includes(`, \`${state}\``);
      if (!isVariable) expect(Object.keys(known.orchestrator.states)).toContain(state);
    }
  });

  it('shows a contract that loads, and a refusal as it is said', () => {
    const { timers, admission } = loadContracts(contractDirectory({ orchestrator: block('yaml') })).compiled;
    expect(timers['ack']?.seconds).toBe(10);
    expect(admission).toHaveLength(1);

    const broken =
      'state_machine:\n  transitions:\n    - from_state: "AWAITING_ACK"\n      to_state: "SLEEPING"\n      ' +
      'trigger: "ack_timeout"\n';
    let refusal = '';
    try {
      loadContracts(contractDirectory({ orchestrator: broken }));
    } catch (error) {
      if (!(error instanceof ContractError)) throw error;
      refusal = error.faults.find(({ message }) => message.includes('SLEEPING'))?.message ?? '';
    }
    expect(TEXT.replace(/\s+/g, ' ')).toContain(refusal);
  });

  it('shows a node that compiles', () => {
    const example = block('ts');
    const [errors, errorsOfBroken] = compileErrors([example, example.replace('brokers:', 'broker:')]);
    expect(errors).toEqual([]);
    // An example that does not compile would be seen.
    expect(errorsOfBroken).not.toEqual([]);
  });
});

/** The headings of a page, as links name them. */
function headingsOf(file: string): string[] {
  return [...read(file).matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
    (title ?? '')
      .toLowerCase()
      .replace(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  );
}

function files(folder: string, ending: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(ending))
    .map((file) => join(folder, file));
}

/** Type checks files that import the package by its name, under this project's own options; the errors of each. */
function compileErrors(codes: readonly string[]): string[][] {
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), (file) => ts.sys.readFile(file)) as {
    config: { compilerOptions: object };
  };
  const { options } = ts.convertCompilerOptionsFromJson(
    {
      ...config.compilerOptions,
      noEmit: true,
      baseUrl: ROOT,
      paths: { '@node-registrar/node': ['src/node/index.ts'] },
    },
    ROOT,
  );
  const examples = new Map(codes.map((code, index) => [join(ROOT, `example-${index}.ts`), code]));
  const disk = ts.createCompilerHost(options);
  const host: ts.CompilerHost = {
    ...disk,
    getSourceFile: (name, ...rest) => {
      const code = examples.get(name);
      return code === undefined
        ? disk.getSourceFile(name, ...rest)
        : ts.createSourceFile(name, code, options.target ?? ts.ScriptTarget.ES2022);
    },
    fileExists: (name) => examples.has(name) || disk.fileExists(name),
    readFile: (name) => examples.get(name) ?? disk.readFile(name),
  };
  const program = ts.createProgram([...examples.keys()], options, host);
  return [...examples.keys()].map((file) => {
    const source = program.getSourceFile(file);
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(
      ({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'),
    );
  });
}
