import type { Config } from '../../config/index.js';
import { releaseKey } from '../../registry/keys/bound-keys.js';
import { withRegistry } from '../connect.js';
import { CliError, EXIT } from '../terminal/exit-codes.js';
import { command } from '../terminal/invocation.js';

/**
 * Frees a node's id of its key.
 *
 * @returns what became of it, in a sentence
 * @throws CliError when no key speaks for it
 */
export async function releaseKeyOf(node_id: string, config: Config): Promise<string> {
  const released = await withRegistry(config, (pool) => releaseKey(pool, node_id));
  if (released === null)
    throw new CliError(`No key is bound to node ${node_id}.`, EXIT.notFound, {
      hint:
        `'${command(`status ${node_id}`)}' shows what is known of it. Keys are bound where the contract's ` +
        'signing.mode is warn or enforce.',
    });
  return (
    `Key ${released} speaks for node ${node_id} no more. The next key that introduces itself does, and so may the ` +
    'old one with a new message: end what still uses it.'
  );
}
