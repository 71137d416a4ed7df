import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** PEM files of a private CA, and of what it has signed. */
export interface Certificates {
  readonly ca: string;
  readonly server: { readonly cert: string; readonly key: string };
  readonly client: { readonly cert: string; readonly key: string };
}

/**
 * Makes a private CA with a server's and a client's certificate, by openssl.
 *
 * @param server subject alternative names of the server: "DNS:localhost,IP:::1"
 * @param client common name of the client
 */
export function makeCertificates(folder: string, server: string, client: string): Certificates {
  const file = (name: string): string => join(folder, name);
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { stdio: 'pipe' });
  const newKey = (name: string): string[] => [
    ...['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', file(`${name}.key`)],
  ];
  openssl('req', '-x509', ...newKey('ca'), '-days', '2', '-subj', '/CN=a private CA', '-out', file('ca.pem'));
  const sign = (name: string, subject: string, extensions: string) => {
    openssl('req', ...newKey(name), '-subj', `/CN=${subject}`, '-out', file(`${name}.csr`));
    writeFileSync(file(`${name}.ext`), extensions);
    const by = ['-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial', '-days', '2'];
    const request = ['-in', file(`${name}.csr`), '-extfile', file(`${name}.ext`)];
    openssl('x509', '-req', ...request, ...by, '-out', file(`${name}.pem`));
    return { cert: file(`${name}.pem`), key: file(`${name}.key`) };
  };
  return {
    ca: file('ca.pem'),
    server: sign('server', 'server', `subjectAltName=${server}\nextendedKeyUsage=serverAuth,clientAuth\n`),
    client: sign('client', client, 'extendedKeyUsage=clientAuth\n'),
  };
}
