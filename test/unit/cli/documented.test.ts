import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { nodeKeyOf, privateKeyOf, publicKeysOf } from '../../../src/protocol/node-key.js';
import { commandsFor } from '../../run/documented.js';
import { runDocumented } from '../../run/run-documented.js';
import { temporaryFolder } from '../../run/temporary-folder.js';
import { contractDirectory } from '../contracts/contract-files.js';

/** The commands of the pages that need no server. */

test.each(commandsFor('registrar alone'))('the page can be believed: $text', async (command) => {
  const contracts = contractDirectory({ orchestrator: 'liveness: { heartbeat_interval_seconds: 5 }\n' });
  const { code, output } = await runDocumented(command, { contracts, node_id: 'mailer-1' });
  expect(code, output).toBe(0);
  // Who hands in no message gets no answer.
  expect(output === '').toBe(command.text === 'registrar contracts trace');
});

test('a node’s key is made as the page says, and its two halves belong together', () => {
  const cwd = temporaryFolder('node-registrar-pages');
  for (const { text } of commandsFor('shell')) execFileSync('sh', ['-c', text], { cwd });
  const [secret = '', shared = ''] = ['mailer-1.key', 'mailer-1.pem'].map((file) =>
    readFileSync(join(cwd, file), 'utf8'),
  );
  expect(publicKeysOf(shared)).toEqual([nodeKeyOf(privateKeyOf(secret))]);
});
