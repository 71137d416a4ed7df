import { generateKeyPairSync, randomUUID, sign, type KeyObject } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';

/** Files of a certificate and its key, PEM. */
interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export interface Credentials {
  /** The authority that has signed `server` and `client`. */
  readonly ca: string;
  readonly server: Certificate;
  readonly client: Certificate;
  /** Another authority, and a client's certificate that it has signed. */
  readonly otherCa: string;
  readonly otherClient: Certificate;
  /** File with the public key that the server knows API keys by (a JSON Web Key Set). */
  readonly keySet: string;
  /** An API key for these rights, e.g. "system:admin" or "orders:write". */
  apiKey(...permissions: readonly string[]): string;
}

/** A new key, in a file without a password. */
const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

/** Makes certificates with openssl, and a key that signs API keys. */
export async function makeCredentials(directory: string): Promise<Credentials> {
  mkdirSync(directory, { recursive: true });
  const file = (name: string): string => join(directory, name);
  const openssl = (...args: readonly string[]) => execa('openssl', args, { cwd: directory });
  const authority = async (name: string): Promise<string> => {
    const subject = ['-subj', `/CN=${name}`, '-keyout', file(`${name}.key`), '-out', file(`${name}.pem`)];
    await openssl('req', '-x509', ...KEY, ...subject);
    return file(`${name}.pem`);
  };
  const certificate = async (name: string, ca: string): Promise<Certificate> => {
    const [cert, key, request] = [file(`${name}.pem`), file(`${name}.key`), file(`${name}.csr`)];
    const names = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
    await openssl('req', '-new', ...KEY, ...names, '-keyout', key, '-out', request);
    const signer = [
      '-CA',
      file(`${ca}.pem`),
      '-CAkey',
      file(`${ca}.key`),
      '-CAcreateserial',
      '-copy_extensions',
      'copy',
    ];
    await openssl('x509', '-req', '-in', request, ...signer, '-days', '30', '-out', cert);
    return { cert, key };
  };
  const [ca, otherCa] = [await authority('ca'), await authority('other-ca')];
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const kid = randomUUID();
  const keySet = file('keys.json');
  writeFileSync(keySet, JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid, alg: 'ES256' }] }));
  return {
    ca,
    server: await certificate('server', 'ca'),
    client: await certificate('client', 'ca'),
    otherCa,
    otherClient: await certificate('other-client', 'other-ca'),
    keySet,
    apiKey: (...permissions) => signedToken({ alg: 'ES256', typ: 'JWT', kid }, permissions, privateKey),
  };
}

function signedToken(header: object, permissions: readonly string[], key: KeyObject): string {
  const exp = Math.round(Date.now() / 1_000) + 86_400;
  const parts = [header, { sub: 'registrar', permissions, exp }].map((part) =>
    Buffer.from(JSON.stringify(part)).toString('base64url'),
  );
  const signature = sign('sha256', Buffer.from(parts.join('.')), { key, dsaEncoding: 'ieee-p1363' });
  return [...parts, signature.toString('base64url')].join('.');
}
