import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MutantResult } from '@stryker-mutator/api/core';
import { describe, expect, it } from 'vitest';
import { changeOf, compareSurvivors, readSurvivors } from '../../../tools/mutants-survivors.js';
import { temporaryFolder } from '../../run/temporary-folder.js';

describe('the changes that survive', () => {
  const folder = temporaryFolder('mutants-survivors');

  it('are written as what stood there and what stands there now, in one line', () => {
    writeFileSync(join(folder, 'a.ts'), 'const a =\n  one ||\n  two;\n');
    const location = { start: { line: 2, column: 3 }, end: { line: 3, column: 6 } };
    const mutant = { fileName: join(folder, 'a.ts'), location, replacement: 'one &&\n  two' } as MutantResult;
    expect(changeOf(folder, mutant)).toEqual({ file: 'a.ts', change: 'one || two → one && two' });
  });

  it('need a reason each, and a reason needs a change that survives', () => {
    writeFileSync(
      join(folder, 'survivors.yaml'),
      'core:\n  - file: a.ts\n    why: It is the same.\n    changes: [a → b, c → d]\n',
    );
    const known = readSurvivors(folder, 'core') ?? [];
    const survived = [
      { file: 'a.ts', change: 'a → b' },
      { file: 'b.ts', change: 'c → d' },
    ];
    expect(compareSurvivors(survived, known)).toEqual({
      unnamed: [{ file: 'b.ts', change: 'c → d' }],
      outdated: [{ file: 'a.ts', change: 'c → d', why: 'It is the same.' }],
    });
    expect(readSurvivors(folder, 'bridge')).toBeNull();
  });
});
