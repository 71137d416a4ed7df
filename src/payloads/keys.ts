import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { ConfigError } from '../config/variables.js';
import { errorText } from '../error-text.js';

/** What payloads are encrypted with. */
export interface PayloadKeys {
  /** Id of the key that encrypts. */
  readonly current: string;
  /** Every key that decrypts, by its id: 32 bytes each. */
  readonly keys: ReadonlyMap<string, Buffer>;
}

/** AES-256 (FIPS 197). */
const KEY_BYTES = 32;

const File = z.strictObject({ current: z.string().min(1), keys: z.record(z.string().min(1), z.string()) });

/**
 * Reads a file of keys: YAML with `current`, the id of the key that encrypts, and `keys`, each id with its 32 bytes in
 * base64. No error shows a key.
 *
 * @throws ConfigError that names the file, and what is wrong in it
 */
export function readPayloadKeys(file: string): PayloadKeys {
  const wrong = (what: string): ConfigError => new ConfigError(`REGISTRAR_PAYLOAD_KEYS: ${file}: ${what}`);
  const { current, keys } = readFile(file, wrong);
  const decoded = new Map<string, Buffer>();
  for (const [id, text] of Object.entries(keys)) {
    const key = Buffer.from(text, 'base64');
    if (key.length !== KEY_BYTES)
      throw wrong(`key '${id}' has ${key.length} bytes of base64; make one of ${KEY_BYTES}: openssl rand -base64 32`);
    decoded.set(id, key);
  }
  if (!decoded.has(current)) throw wrong(`'current' names the key '${current}', which is not among 'keys'`);
  return { current, keys: decoded };
}

function readFile(file: string, wrong: (what: string) => ConfigError): z.infer<typeof File> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw wrong(`it cannot be read: ${errorText(error)}`);
  }
  const known = File.safeParse(parsed(text));
  if (known.success) return known.data;
  throw wrong("it must be YAML with 'current' (the id of a key) and 'keys' (id: 32 bytes in base64)");
}

/** The parser's own words may quote a line, and so a key. */
function parsed(text: string): unknown {
  try {
    return parse(text, { logLevel: 'silent' });
  } catch {
    return null;
  }
}
