import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { PROGRAM } from '../../../integration/cli-process.js';

const ROOT = join(import.meta.dirname, '../../../..');

it('a command whose reader has read enough ends as if it had read all, without a word', async () => {
  const child = spawn(process.execPath, [...PROGRAM, 'contracts', 'trace'], { cwd: ROOT });
  child.stdout.destroy();
  createReadStream(join(ROOT, 'docs/examples/life.jsonl')).pipe(child.stdin);
  await Promise.all([expect(text(child.stderr)).resolves.toBe(''), once(child, 'exit')]);
  expect(child.exitCode).toBe(0);
});
