import { join } from 'node:path';
import { ESLint } from 'eslint';
import tseslint from 'typescript-eslint';
import { beforeAll, describe, expect, it } from 'vitest';

/**
 * "Handler isolation" is enforced, not agreed: the rules of eslint.config.js,
 * applied to what a handler might say. The path is a real handler's, since the
 * rules go by folder. None of them needs types or cycles, which cost seconds.
 */

const HANDLER = join(import.meta.dirname, '../../../workflows/core/handlers/registration-reset.ts');

let eslint: ESLint;
beforeAll(() => {
  const overrideConfig = [
    tseslint.configs.disableTypeChecked,
    { rules: { 'import-x/no-cycle': 'off' } },
  ] as ESLint.Options['overrideConfig'];
  eslint = new ESLint({ cwd: join(import.meta.dirname, '../../..'), overrideConfig });
});

/** The names of the rules that a handler with this text breaks. */
async function broken(text: string, filePath = HANDLER): Promise<(string | null)[]> {
  const [result] = await eslint.lintText(text, { filePath });
  return (result?.messages ?? []).map(({ ruleId, message }) => ruleId ?? message);
}

describe('a handler that', () => {
  it.each([
    [
      'asks PostgreSQL',
      "import pg from 'pg';\nexport const handle = (): unknown => new pg.Client();\n",
      'no-restricted-imports',
    ],
    [
      'reads files',
      "import { readFileSync } from 'node:fs';\nexport const handle = (): string => readFileSync('/etc/hosts', " +
        "'utf8');\n",
      'no-restricted-imports',
    ],
    [
      'sends to Kafka',
      "import { Kafka } from 'kafkajs';\nexport const handle = (): unknown => new Kafka({ brokers: [] });\n",
      'no-restricted-imports',
    ],
    [
      'calls Temporal',
      "import { sleep } from '@temporalio/workflow';\nexport const handle = (): Promise<void> => sleep(1);\n",
      'no-restricted-imports',
    ],
    [
      'starts effects itself',
      "import { Effects } from '../../effects.js';\nexport const handle = (): unknown => new Effects();\n",
      'import-x/no-restricted-paths',
    ],
    [
      'asks the registry',
      "import { registration } from '../../registration.js';\nexport const handle = (): unknown => registration;\n",
      'import-x/no-restricted-paths',
    ],
    ['reads the clock', 'export const handle = (): number => Date.now();\n', 'no-restricted-properties'],
    ['throws dice', 'export const handle = (): number => Math.random();\n', 'no-restricted-properties'],
    [
      'reads the environment',
      "export const handle = (): string | undefined => process.env['HOME'];\n",
      'no-restricted-globals',
    ],
    ['remembers', 'let last = 0;\nexport const handle = (): number => last++;\n', 'no-restricted-syntax'],
    ['asks a server', "export const handle = (): unknown => fetch('http://127.0.0.1');\n", 'no-restricted-globals'],
  ])('%s is reported, and for that alone', async (_, text, rule) => {
    expect(new Set(await broken(text))).toEqual(new Set([rule]));
  });

  it('only decides is not', async () => {
    expect(
      await broken(
        "import { plusSeconds } from '../time.js';\nimport type { Registration } from " +
          "'../registration.js';\nexport const handle = ({ since }: Registration, now: string): string => " +
          'plusSeconds(since ?? now, 30);\n',
      ),
    ).toEqual([]);
  });
});

describe('kafkajs', () => {
  const inFolder = (path: string): string => join(import.meta.dirname, '../../../src', path);
  const importing = "import kafkajs from 'kafkajs';\nexport const used: unknown = kafkajs;\n";
  const reaching = "import { CLIENT } from '../kafka/client.js';\nexport const used: unknown = CLIENT;\n";

  it('is behind the port of src/kafka, and nobody reaches through it', async () => {
    for (const path of ['bridge/bridge.ts', 'stack/prepare.ts', 'node/node.ts']) {
      expect(await broken(importing, inFolder(path))).toContain('no-restricted-imports');
      expect(await broken(reaching, inFolder(path))).toContain('no-restricted-imports');
    }
    expect(await broken(importing, inFolder('kafka/producer.ts'))).toEqual([]);
  });
});
