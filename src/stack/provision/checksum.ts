import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { StackError } from '../state/errors.js';

type Algorithm = 'sha256' | 'sha512';

/** The digest of a file, in hexadecimal (as sha256sum prints it) or base64 (as npm's integrity has it). */
async function fileDigest(
  file: string,
  algorithm: Algorithm = 'sha256',
  encoding: 'hex' | 'base64' = 'hex',
): Promise<string> {
  const hash = createHash(algorithm);
  await pipeline(createReadStream(file), hash);
  return hash.digest(encoding);
}

/** Refuses a file that is not, to the last bit, the one that was pinned. */
export async function verifyFile(file: string, pinnedSha256: string): Promise<void> {
  refuseUnlessEqual(basename(file), `sha256 ${await fileDigest(file)}`, `sha256 ${pinnedSha256}`);
}

/** The same by the form that npm uses, `sha512-<base64>`. */
export async function verifyIntegrity(file: string, pinned: string): Promise<void> {
  refuseUnlessEqual(basename(file), `sha512-${await fileDigest(file, 'sha512', 'base64')}`, pinned);
}

/** Refuses a directory unless it holds exactly the pinned files, each with the pinned SHA-256. */
export async function verifyDirectory(directory: string, pinned: Readonly<Record<string, string>>): Promise<void> {
  const files = (await readdir(directory)).sort();
  const unknown = files.filter((file) => !(file in pinned));
  const missing = Object.keys(pinned).filter((file) => !files.includes(file));
  if (unknown.length > 0 || missing.length > 0) {
    const parts = [
      unknown.length > 0 ? `not expected: ${unknown.join(', ')}` : '',
      missing.length > 0 ? `missing: ${missing.join(', ')}` : '',
    ];
    throw new StackError(
      `${directory} does not hold the pinned files (${parts.filter((part) => part !== '').join('; ')})`,
    );
  }
  for (const [file, sha256] of Object.entries(pinned)) await verifyFile(join(directory, file), sha256);
}

/** Refuses anything whose fingerprint differs from the pinned one. */
export function refuseUnlessEqual(what: string, actual: string, pinned: string): void {
  if (actual === pinned) return;
  throw new StackError(
    `${what} is not the file that was pinned: it has ${actual}, expected ${pinned}. It was not used.`,
  );
}
