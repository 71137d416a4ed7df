import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { SigningContract } from '../../contracts/schema.js';
import { errorText } from '../../error-text.js';
import { OnceAMinute } from '../../once-a-minute.js';
import { nodeId } from '../../protocol/fields.js';
import { publicKeysOf, type NodeKey } from '../../protocol/node-key.js';

const ENDING = '.pem';

interface KnownFile {
  readonly node_id: string;
  readonly changed: string;
  readonly keys: readonly NodeKey[];
}

/** A directory of public keys, as somebody else's tool keeps it: `<node_id>.pem`, with one key or several. */
export class KeyDirectory {
  readonly #path: string;
  readonly #logger: Logger;
  readonly #minute = new OnceAMinute();
  #files: ReadonlyMap<string, KnownFile> = new Map();
  #keys: ReadonlyMap<string, readonly NodeKey[]> = new Map();

  constructor(path: string, logger: Logger) {
    this.#path = path;
    this.#logger = logger;
  }

  /** The keys of a node, as they were read last. */
  keysOf(node_id: string): readonly NodeKey[] {
    return this.#keys.get(node_id) ?? [];
  }

  /**
   * Reads what has changed. A file that cannot be used is logged, and its node has no key.
   *
   * @throws Error when the directory itself cannot be read
   */
  async read(): Promise<void> {
    const names = await readdir(this.#path).catch((error: unknown) => {
      throw new Error(
        `the directory of nodes' keys, ${this.#path}, cannot be read: create it, or correct signing.keys_directory ` +
          `in the orchestrator's contract (${errorText(error)})`,
        { cause: error },
      );
    });
    const files = new Map<string, KnownFile>();
    for (const name of names) {
      const file = await this.#file(name);
      if (file !== null) files.set(name, file);
    }
    this.#files = files;
    this.#keys = new Map([...files.values()].map(({ node_id, keys }) => [node_id, keys]));
  }

  async #file(name: string): Promise<KnownFile | null> {
    const id = nodeId.safeParse(name.slice(0, -ENDING.length));
    if (!name.endsWith(ENDING) || !id.success) return null;
    const node_id = id.data;
    const path = join(this.#path, name);
    try {
      const { mtimeMs, size } = await stat(path);
      const changed = `${mtimeMs} ${size}`;
      const before = this.#files.get(name);
      if (before?.changed === changed) return before;
      return { node_id, changed, keys: publicKeysOf(await readFile(path, 'utf8')) };
    } catch (error) {
      const text = `the key file ${path} cannot be used: correct it, or node ${node_id} is refused`;
      if (this.#minute.isDue(text)) this.#logger.error({ node_id, reason: errorText(error) }, text);
      return null;
    }
  }
}

/**
 * The directory that the contract names, read once.
 *
 * @returns null: it names none, or nobody looks at signatures
 * @throws Error when it cannot be read
 */
export async function openKeyDirectory(
  { mode, keys_directory }: SigningContract,
  logger: Logger,
): Promise<KeyDirectory | null> {
  if (mode === 'off' || keys_directory === null) return null;
  const directory = new KeyDirectory(keys_directory, logger);
  await directory.read();
  return directory;
}
