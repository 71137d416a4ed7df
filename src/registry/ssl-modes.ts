import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { ConnectionOptions } from 'node:tls';
import { errorText } from '../error-text.js';

/** How a connection is tried: with TLS, or without. */
export type Ssl = ConnectionOptions | false;

const MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'];

/**
 * What libpq does for a connection's parameters `sslmode`, `sslrootcert`, `sslcert` and `sslkey`: what is tried, in
 * this order. `prefer` is its default. As in libpq a root certificate that is there is used in every mode that has TLS,
 * so `require` with one is `verify-ca`; and files in ~/.postgresql are used where no parameter names one.
 *
 * @throws Error that names the parameter and what is wrong with it
 */
export function sslTries(parameters: Readonly<Record<string, string>>, home = homedir()): readonly Ssl[] {
  const fromSystem = parameters['sslrootcert'] === 'system';
  const mode = parameters['sslmode'] ?? (fromSystem ? 'verify-full' : 'prefer');
  if (!MODES.includes(mode)) throw new Error(`sslmode '${mode}' is none of ${MODES.join(', ')}`);
  if (fromSystem && mode !== 'verify-full')
    throw new Error(`sslrootcert=system trusts many CAs: it needs sslmode=verify-full, not '${mode}'`);
  if (mode === 'disable') return [false];

  const file = (parameter: string, usual: string): string | undefined => {
    const path = parameters[parameter] ?? join(home, '.postgresql', usual);
    if (parameters[parameter] === undefined && !existsSync(path)) return undefined;
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      throw new Error(`${parameter} '${path}' cannot be read: ${errorText(error)}`);
    }
  };
  const ca = fromSystem ? undefined : file('sslrootcert', 'root.crt');
  if (ca === undefined && !fromSystem && mode.startsWith('verify-'))
    throw new Error(`sslmode=${mode} needs a root certificate: name its file by sslrootcert, or 'system'`);
  const cert = file('sslcert', 'postgresql.crt');
  const key = cert === undefined ? undefined : file('sslkey', 'postgresql.key');
  const tls = {
    rejectUnauthorized: ca !== undefined || fromSystem,
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(mode !== 'verify-full' && { checkServerIdentity: () => undefined }),
  };
  if (mode === 'allow') return [false, tls];
  return mode === 'prefer' ? [tls, false] : [tls];
}
