import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

/** Words that CONTRIBUTING.md retires, as verbs of functions, in comments and within names. */
const RETIRED = [/\b(tell|hear|judge|bury|ride)\(/, /\b(judge[sd]?|told)\b/i, /\b\w*(quiet|standstill)\w*\b/i];

const THIS = 'unit/files/words.test.ts';
const ROOT = join(import.meta.dirname, '../../..');

it.each(['src', 'workflows', 'activities', 'test', 'tools'])('%s uses the words of CONTRIBUTING.md', (folder) => {
  const files = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && file !== THIS,
  );
  const found = files.flatMap((file) =>
    readFileSync(join(ROOT, folder, file), 'utf8')
      .split('\n')
      .flatMap((line, index) =>
        RETIRED.some((word) => word.test(line)) ? [`${folder}/${file}:${index + 1}: ${line.trim()}`] : [],
      ),
  );
  expect(found).toEqual([]);
});
