import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { errorText } from '../../error-text.js';
import type { KafkaTls } from '../../kafka/connection.js';
import { ConfigError } from '../variables.js';
import type { KafkaSettings, Setting } from './settings.js';

/** Java's and librdkafka's settings of TLS. @throws ConfigError that names what cannot be used */
export function tlsOf(settings: KafkaSettings): KafkaTls {
  for (const store of ['truststore', 'keystore'] as const) checkStore(settings, store);
  const ca = pemOf(settings, 'ssl.ca.location', 'ssl.ca.pem', 'ssl.truststore.location', 'ssl.truststore.certificates');
  // Java's PEM keystore is one file with both.
  const certificate = pemOf(
    settings,
    'ssl.certificate.location',
    'ssl.certificate.pem',
    'ssl.keystore.location',
    'ssl.keystore.certificate.chain',
  );
  const key = pemOf(settings, 'ssl.key.location', 'ssl.key.pem', 'ssl.keystore.location', 'ssl.keystore.key');
  if ((certificate === undefined) !== (key === undefined))
    throw new ConfigError(
      `${settings.where('ssl.certificate.location')} and ${settings.where('ssl.key.location')} go together: ` +
        `${key === undefined ? 'the key' : 'the certificate'} is missing`,
    );
  const keyPassword = settings.get('ssl.key.password');
  const tls = {
    ...(ca !== undefined && { ca: ca.pem }),
    ...(certificate !== undefined && { certificate: certificate.pem }),
    ...(key !== undefined && { key: key.pem }),
    ...(keyPassword !== undefined && { keyPassword }),
    ...(!checksHostname(settings) && { checkHostname: false }),
  };
  if (ca !== undefined) check(ca.where, () => certificatesIn(ca.pem));
  if (certificate !== undefined)
    check(`${certificate.where} with ${key?.where} and ${settings.where('ssl.key.password')}`, () =>
      createSecureContext({ cert: certificate.pem, key: key?.pem, passphrase: keyPassword }),
    );
  return tls;
}

function checkStore(settings: KafkaSettings, store: 'truststore' | 'keystore'): void {
  const [type, location, password] = [`ssl.${store}.type`, `ssl.${store}.location`, `ssl.${store}.password`] as const;
  const given = settings.get(type);
  if (given === undefined ? settings.get(location) !== undefined : given.trim().toUpperCase() !== 'PEM')
    throw new ConfigError(
      `${settings.where(given === undefined ? location : type)}: only a store of type PEM can be read. Write it as ` +
        `PEM (keytool -list -rfc, openssl pkcs12), and set ${type}=PEM.`,
    );
  if (settings.get(password) !== undefined)
    throw new ConfigError(
      `${settings.where(password)}: a store of type PEM has no password; the key's is ssl.key.password`,
    );
}

interface Pem {
  readonly pem: string;
  readonly where: string;
}

function pemOf(settings: KafkaSettings, ...names: readonly Setting[]): Pem | undefined {
  const name = settings.first(...names);
  const value = name === undefined ? undefined : settings.get(name);
  if (name === undefined || value === undefined) return undefined;
  const where = settings.where(name);
  if (!name.endsWith('.location')) return { pem: value, where };
  try {
    return { pem: readFileSync(value, 'utf8'), where };
  } catch (error) {
    throw new ConfigError(`${where}: '${value}' cannot be read: ${errorText(error)}`);
  }
}

function checksHostname(settings: KafkaSettings): boolean {
  const name = 'ssl.endpoint.identification.algorithm';
  const value = settings.get(name)?.trim().toLowerCase();
  if (value === undefined || value === 'https') return true;
  // Java's word for it is an empty value, librdkafka's is "none".
  if (value === '' || value === 'none') return false;
  throw new ConfigError(`${settings.where(name)}: '${value}' is neither https nor none`);
}

/** Node itself passes over what is no certificate, and then trusts nobody. */
function certificatesIn(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/gs);
  if (blocks === null) throw new Error('it holds no -----BEGIN CERTIFICATE-----');
  return blocks.map((block) => new X509Certificate(block));
}

function check(where: string, use: () => unknown): void {
  try {
    use();
  } catch (error) {
    throw new ConfigError(`${where} cannot be used for TLS: ${errorText(error)}`);
  }
}
