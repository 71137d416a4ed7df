import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildProgram } from '../../../run/built-program.js';
import { temporaryFolder } from '../../../run/temporary-folder.js';
import { BUILT_PROGRAM } from '../../../run/workers.js';

/** The scripts in the shells themselves: each reads its script, and asks `registrar` as a person's tab does. */

const ROOT = join(import.meta.dirname, '../../../..');
const isHere = (shell: string): boolean => spawnSync(shell, ['--version']).status === 0;
let PATH: string;

beforeAll(async () => {
  const folder = temporaryFolder('completion');
  const built = process.env[BUILT_PROGRAM] ?? (await buildProgram(temporaryFolder('completion-program')));
  const program = join(folder, 'registrar');
  writeFileSync(program, `#!/bin/sh\ncd '${ROOT}' && exec '${process.execPath}' '${built}' "$@"\n`);
  chmodSync(program, 0o755);
  PATH = `${folder}:${process.env.PATH ?? ''}`;
});

/** Runs lines in a shell that has read its script. */
function ask(shell: string, args: readonly string[], lines: string): string[] {
  const env = { ...process.env, PATH, DATABASE_URL: 'postgresql://registrar@127.0.0.1:1/registrar' };
  return execFileSync(shell, [...args, lines], { env, encoding: 'utf8' })
    .trimEnd()
    .split('\n');
}

describe('bash', () => {
  /** As bash calls it: the line, the cursor, and the words as bash breaks them. */
  const tab = (line: string): string =>
    `COMP_LINE=${line}; COMP_POINT=\${#COMP_LINE}; _registrar; echo "\${COMPREPLY[*]}"`;
  const bash = (...typed: string[]): string[] =>
    ask(
      'bash',
      ['--norc', '-c'],
      ['source <(registrar completion bash)', 'complete -p registrar', ...typed.map(tab)].join('\n'),
    );

  it('completes commands, what options take behind "=", and executes nothing of what was typed', () => {
    const made = `made-${process.pid}`;
    expect(bash("'registrar sta'", `'registrar list "$(touch ${made})" --type=c'`)).toEqual([
      'complete -o default -F _registrar registrar',
      'status start',
      'compute',
    ]);
    expect(existsSync(join(ROOT, made))).toBe(false);
  });
});

describe.skipIf(!isHere('zsh'))('zsh', () => {
  it('completes commands with what they do', () => {
    const stand = `compdef() { echo "compdef $*" }; _describe() { print -l -- "\${(@P)2}" }
      source <(registrar completion zsh); words=(registrar sta); CURRENT=2; PREFIX=sta; _registrar`;
    expect(ask('zsh', ['-f', '-c'], stand)).toEqual([
      'compdef _registrar registrar',
      'status:Explain one node',
      expect.stringMatching(/^start:Start an embedded server/),
    ]);
  });
});

describe.skipIf(!isHere('fish'))('fish', () => {
  it('completes commands with what they do', () => {
    const lines = 'registrar completion fish | source; complete -C "registrar sta"';
    expect(ask('fish', ['--no-config', '-c'], lines)).toEqual([
      expect.stringMatching(/^start\tStart an embedded server/),
      'status\tExplain one node',
    ]);
  });
});
