import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../..', import.meta.url));

test('the example in the docstring of the SDK type checks', () => {
  const index = readFileSync(`${root}src/node/index.ts`, 'utf8');
  const fenced = /```ts\n([\s\S]*?)```/.exec(index)?.[1];
  if (fenced === undefined) throw new Error('src/node/index.ts has no example');
  const example = fenced.replaceAll(/^ \* ?/gm, '').replace("'@node-registrar/node'", "'../src/node/index.js'");
  // The second half is there to show that the first is looked at.
  expect(faults(`${example}\n// @ts-expect-error: no such event\nnode.on('nonsense', () => undefined);`)).toEqual([]);
});

/** The compiler's errors in a module that stands in this repository. */
function faults(source: string): string[] {
  const file = `${root}test/example.ts`;
  const config = ts.readConfigFile(`${root}tsconfig.json`, (path) => ts.sys.readFile(path)).config as object;
  const { options } = ts.parseJsonConfigFileContent(config, { ...ts.sys, readDirectory: () => [] }, root);
  const files = ts.createCompilerHost(options);
  const host: ts.CompilerHost = {
    ...files,
    fileExists: (path) => path === file || files.fileExists(path),
    readFile: (path) => (path === file ? source : files.readFile(path)),
    getSourceFile: (path, ...rest) =>
      path === file ? ts.createSourceFile(path, source, ts.ScriptTarget.ES2022) : files.getSourceFile(path, ...rest),
  };
  const program = ts.createProgram([file], { ...options, noEmit: true }, host);
  const example = program.getSourceFile(file);
  return [...program.getSyntacticDiagnostics(example), ...program.getSemanticDiagnostics(example)].map(
    ({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'),
  );
}
