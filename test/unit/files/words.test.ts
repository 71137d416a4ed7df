import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

/** Words that CONTRIBUTING.md retires, as verbs of functions and within names. */
const RETIRED = [/\b(tell|hear|judge|bury|ride)\(/, /\b\w*(quiet|standstill)\w*\b/i];

const ROOT = join(import.meta.dirname, '../../..');

it.each(['src', 'workflows', 'activities'])('%s uses the words of CONTRIBUTING.md', (folder) => {
  const files = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
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
