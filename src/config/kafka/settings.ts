import { readFileSync } from 'node:fs';
import { getProperties } from 'properties-file';
import { errorText } from '../../error-text.js';
import type { Environment } from '../../stack/state/servers.js';
import { ConfigError, given } from '../variables.js';

/** The variables, each with the name that its setting has in a file of properties: librdkafka's, else Java's. */
const VARIABLES = {
  KAFKA_BROKERS: 'bootstrap.servers',
  KAFKA_SECURITY_PROTOCOL: 'security.protocol',
  KAFKA_SASL_MECHANISM: 'sasl.mechanism',
  KAFKA_SASL_USERNAME: 'sasl.username',
  KAFKA_SASL_PASSWORD: 'sasl.password',
  KAFKA_SASL_OAUTHBEARER_METHOD: 'sasl.oauthbearer.method',
  KAFKA_SASL_OAUTHBEARER_TOKEN_COMMAND: 'sasl.oauthbearer.token.command',
  KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL: 'sasl.oauthbearer.token.endpoint.url',
  KAFKA_SASL_OAUTHBEARER_CLIENT_ID: 'sasl.oauthbearer.client.id',
  KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET: 'sasl.oauthbearer.client.secret',
  KAFKA_SASL_OAUTHBEARER_SCOPE: 'sasl.oauthbearer.scope',
  KAFKA_SASL_OAUTHBEARER_EXTENSIONS: 'sasl.oauthbearer.extensions',
  KAFKA_SSL_CA_LOCATION: 'ssl.ca.location',
  KAFKA_SSL_CERTIFICATE_LOCATION: 'ssl.certificate.location',
  KAFKA_SSL_KEY_LOCATION: 'ssl.key.location',
  KAFKA_SSL_KEY_PASSWORD: 'ssl.key.password',
  KAFKA_SSL_ENDPOINT_IDENTIFICATION_ALGORITHM: 'ssl.endpoint.identification.algorithm',
} as const;

/** What Java's clients and librdkafka's read besides. */
const BESIDES = [
  'sasl.jaas.config',
  'sasl.login.callback.handler.class',
  'sasl.oauthbearer.client.credentials.client.id',
  'sasl.oauthbearer.client.credentials.client.secret',
  'ssl.ca.pem',
  'ssl.certificate.pem',
  'ssl.key.pem',
  'ssl.truststore.type',
  'ssl.truststore.location',
  'ssl.truststore.password',
  'ssl.truststore.certificates',
  'ssl.keystore.type',
  'ssl.keystore.location',
  'ssl.keystore.password',
  'ssl.keystore.key',
  'ssl.keystore.certificate.chain',
] as const;

export type Setting = (typeof VARIABLES)[keyof typeof VARIABLES] | (typeof BESIDES)[number];

const KNOWN: ReadonlySet<string> = new Set([...Object.values(VARIABLES), ...BESIDES]);

/** librdkafka's other names of settings. */
const ALIASES: ReadonlyMap<string, Setting> = new Map([
  ['metadata.broker.list', 'bootstrap.servers'],
  ['sasl.mechanisms', 'sasl.mechanism'],
]);

/** Where a setting is left out of account, the connection would be another one than what was asked for. */
const ABOUT_SECURITY = /^(security|sasl|ssl)\./;

/** What was warned about in this process. */
const warned = new Set<string>();

/** Kafka's settings: those of the file that KAFKA_CLIENT_PROPERTIES names, and over them the environment's. */
export class KafkaSettings {
  readonly #values = new Map<string, { readonly value: string; readonly where: string }>();

  /** @throws ConfigError that names the variable, the file or the key that cannot be used */
  constructor(env: Environment) {
    this.#readFile(given(env, 'KAFKA_CLIENT_PROPERTIES'));
    for (const [variable, name] of Object.entries(VARIABLES)) {
      if (given(env, variable) === undefined) continue;
      // A password may begin or end with a blank.
      const value = (isSecret(name) ? env[variable] : given(env, variable)) ?? '';
      this.#values.set(name, { value, where: variable });
    }
    for (const variable of Object.keys(env))
      if (
        /^KAFKA_(SECURITY|SASL|SSL)_/.test(variable) &&
        given(env, variable) !== undefined &&
        !(variable in VARIABLES)
      )
        throw new ConfigError(`${variable} is not understood; there are ${Object.keys(VARIABLES).join(', ')}`);
  }

  get(name: Setting): string | undefined {
    return this.#values.get(name)?.value;
  }

  /** The first of several names that is given, since clients do not agree on one. */
  first(...names: readonly Setting[]): Setting | undefined {
    return names.find((name) => this.#values.has(name));
  }

  /** Where a setting stands, or would: the variable, or the key and its file. */
  where(name: Setting): string {
    const variable = Object.entries(VARIABLES).find(([, setting]) => setting === name)?.[0];
    return this.#values.get(name)?.where ?? variable ?? name;
  }

  /** The settings that mean something only with TLS or SASL. */
  get aboutSecurity(): readonly Setting[] {
    return [...this.#values.keys()].filter((name) => ABOUT_SECURITY.test(name)) as Setting[];
  }

  #readFile(file: string | undefined): void {
    if (file === undefined) return;
    for (const [key, value] of Object.entries(propertiesOf(file))) {
      const where = `${key} in ${file}`;
      const name = ALIASES.get(key) ?? key;
      const other = this.#values.get(name);
      if (other !== undefined && other.value !== value)
        throw new ConfigError(`${other.where} and ${where} differ: leave one of them out`);
      if (KNOWN.has(name)) this.#values.set(name, { value, where });
      else if (ABOUT_SECURITY.test(name))
        throw new ConfigError(
          `${where} is not understood: take it out, or say the same with ` +
            `${[...KNOWN].filter((known) => known.split('.')[0] === name.split('.')[0]).join(', ')}`,
        );
      else warnOnce(`${where} is not used by node-registrar`);
    }
  }
}

function propertiesOf(file: string): Record<string, string> {
  try {
    return getProperties(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new ConfigError(`KAFKA_CLIENT_PROPERTIES: '${file}' cannot be read: ${errorText(error)}`);
  }
}

function isSecret(name: string): boolean {
  return /\.(password|secret)$/.test(name);
}

function warnOnce(text: string): void {
  if (warned.has(text)) return;
  warned.add(text);
  process.emitWarning(text, 'ConfigWarning');
}
