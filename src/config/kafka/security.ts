import type { KafkaSasl, KafkaSecurity, KafkaToken } from '../../kafka/connection.js';
import { parseUrl } from '../../parse-url.js';
import { ConfigError } from '../variables.js';
import { EXTENSION_OF_JAAS, extensionsOf } from './extensions.js';
import { parseJaas, type Jaas } from './jaas.js';
import type { KafkaSettings, Setting } from './settings.js';
import { tlsOf } from './tls.js';

const PROTOCOLS = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'] as const;
const MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'] as const;
/** librdkafka's words for where a token comes from: the program's own way, or OIDC's client credentials. */
const METHODS = ['default', 'oidc'] as const;

/**
 * What Kafka's settings ask for.
 *
 * @returns undefined for PLAINTEXT
 * @throws ConfigError that names the setting that is missing or cannot be used
 */
export function kafkaSecurity(settings: KafkaSettings): KafkaSecurity | undefined {
  const protocol = oneOf(settings, 'security.protocol', PROTOCOLS);
  if (protocol === undefined) {
    const [first] = settings.aboutSecurity;
    // Kafka's own clients would connect without either, and say nothing.
    if (first !== undefined)
      throw new ConfigError(
        `${settings.where(first)} is set, but ${settings.where('security.protocol')} is not: set it to one of ` +
          PROTOCOLS.join(', '),
      );
    return undefined;
  }
  if (protocol === 'PLAINTEXT') return undefined;
  return {
    ...(protocol.endsWith('SSL') && { tls: tlsOf(settings) }),
    ...(protocol.startsWith('SASL') && { sasl: saslOf(settings) }),
  };
}

function oneOf<Word extends string>(settings: KafkaSettings, name: Setting, words: readonly Word[]): Word | undefined {
  const value = settings.get(name);
  if (value === undefined) return undefined;
  const found = words.find((word) => word.toUpperCase() === value.trim().toUpperCase());
  if (found === undefined) throw new ConfigError(`${settings.where(name)}: '${value}' is none of ${words.join(', ')}`);
  return found;
}

function saslOf(settings: KafkaSettings): KafkaSasl {
  const mechanism = oneOf(settings, 'sasl.mechanism', MECHANISMS);
  if (mechanism === undefined)
    throw new ConfigError(
      `${settings.where('sasl.mechanism')} is not set, and ${settings.where('security.protocol')} asks for SASL: ` +
        `it is one of ${MECHANISMS.join(', ')}`,
    );
  const jaas = jaasOf(settings, mechanism);
  if (mechanism === 'OAUTHBEARER') return tokenOf(settings, jaas);
  const username = required(settings, jaas, 'username', 'sasl.username');
  const password = required(settings, jaas, 'password', 'sasl.password');
  return { mechanism, username, password };
}

function tokenOf(settings: KafkaSettings, jaas: Jaas | undefined): KafkaToken {
  const mechanism = 'OAUTHBEARER';
  checkMethod(settings);
  const extensions = extensionsOf(settings, jaas);
  const shared = { mechanism, ...(extensions !== undefined && { extensions }) } as const;
  const tokenCommand = settings.get('sasl.oauthbearer.token.command');
  if (tokenCommand !== undefined) return { ...shared, tokenCommand };
  const name = 'sasl.oauthbearer.token.endpoint.url';
  const tokenEndpoint = settings.get(name);
  if (tokenEndpoint === undefined)
    throw new ConfigError(
      `${mechanism} needs ${settings.where('sasl.oauthbearer.token.command')}, or ${settings.where(name)} with ` +
        `${settings.where('sasl.oauthbearer.client.id')} and ${settings.where('sasl.oauthbearer.client.secret')}`,
    );
  if (!/^https?:\/\//.test(tokenEndpoint) || parseUrl(tokenEndpoint) === null)
    throw new ConfigError(`${settings.where(name)}: '${tokenEndpoint}' is not an http(s) URL`);
  const scope = settings.get('sasl.oauthbearer.scope') ?? jaas?.options.get('scope');
  return {
    ...shared,
    tokenEndpoint,
    clientId: required(
      settings,
      jaas,
      'clientId',
      'sasl.oauthbearer.client.id',
      'sasl.oauthbearer.client.credentials.client.id',
    ),
    clientSecret: required(
      settings,
      jaas,
      'clientSecret',
      'sasl.oauthbearer.client.secret',
      'sasl.oauthbearer.client.credentials.client.secret',
    ),
    ...(scope !== undefined && { scope }),
  };
}

/** A method that does not go with what else is set would be another one than what was asked for. */
function checkMethod(settings: KafkaSettings): void {
  const [name, command, url] = [
    'sasl.oauthbearer.method',
    'sasl.oauthbearer.token.command',
    'sasl.oauthbearer.token.endpoint.url',
  ] as const;
  const method = oneOf(settings, name, METHODS);
  const isCommand = settings.get(command) !== undefined;
  if (method === 'oidc' && isCommand)
    throw new ConfigError(
      `${settings.where(name)} is 'oidc', and ${settings.where(command)} is set: leave one of them out`,
    );
  if (method === 'default' && !isCommand && settings.get(url) !== undefined)
    throw new ConfigError(
      `${settings.where(name)} is 'default', which is here the command of ${settings.where(command)}: set ` +
        `that, or for ${settings.where(url)} the method 'oidc'`,
    );
}

const MODULES = {
  PLAIN: { module: 'PlainLoginModule', options: ['username', 'password'] },
  'SCRAM-SHA-256': { module: 'ScramLoginModule', options: ['username', 'password'] },
  'SCRAM-SHA-512': { module: 'ScramLoginModule', options: ['username', 'password'] },
  OAUTHBEARER: { module: 'OAuthBearerLoginModule', options: ['clientId', 'clientSecret', 'scope'] },
} as const;

function jaasOf(settings: KafkaSettings, mechanism: keyof typeof MODULES): Jaas | undefined {
  checkCallback(settings);
  const name = 'sasl.jaas.config';
  const line = settings.get(name);
  if (line === undefined) return undefined;
  const where = settings.where(name);
  const jaas = parseJaas(line, where);
  const { module, options } = MODULES[mechanism];
  if (jaas.module !== module) throw new ConfigError(`${where}: ${mechanism} goes with ${module}, not ${jaas.module}`);
  const isExtension = (option: string): boolean => mechanism === 'OAUTHBEARER' && option.startsWith(EXTENSION_OF_JAAS);
  const unknown = [...jaas.options.keys()].filter(
    (option) => !(options as readonly string[]).includes(option) && !isExtension(option),
  );
  if (unknown.length > 0) {
    const there = [...options, ...(mechanism === 'OAUTHBEARER' ? [`${EXTENSION_OF_JAAS}NAME`] : [])].join(', ');
    throw new ConfigError(`${where}: ${unknown.join(', ')} is not understood; there are ${there}`);
  }
  return jaas;
}

/** Java's clients fetch a token by OIDC only where this class is named. */
function checkCallback(settings: KafkaSettings): void {
  const name = 'sasl.login.callback.handler.class';
  const value = settings.get(name);
  if (value === undefined || /\.OAuthBearerLoginCallbackHandler$/.test(value.trim())) return;
  throw new ConfigError(
    `${settings.where(name)}: a class cannot be run here; ` +
      `${settings.where('sasl.oauthbearer.token.command')} names a command that prints a token`,
  );
}

/** The value of the first name that has one, else JAAS's. */
function required(
  settings: KafkaSettings,
  jaas: Jaas | undefined,
  option: string,
  ...names: readonly [Setting, ...Setting[]]
): string {
  const name = settings.first(...names);
  const value = (name === undefined ? undefined : settings.get(name)) ?? jaas?.options.get(option);
  if (value === undefined || value === '')
    throw new ConfigError(
      `${settings.where(names[0])} is not set (nor ${option} in sasl.jaas.config), and ` +
        `${settings.where('sasl.mechanism')} asks for it`,
    );
  return value;
}
