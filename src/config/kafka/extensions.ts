import { ConfigError } from '../variables.js';
import type { Jaas } from './jaas.js';
import type { KafkaSettings } from './settings.js';

/** How an option of JAAS begins that is an extension, by the name behind it. */
export const EXTENSION_OF_JAAS = 'extension_';

/** What RFC 7628 takes; `auth` is the token itself. */
const NAME = /^(?!auth$)[A-Za-z]+$/;
const VALUE = /^[\x20-\x7E\t\r\n]+$/;

/**
 * What goes with a token of OAUTHBEARER to the broker: librdkafka's list NAME=value,NAME=value, and Java's options in
 * the line of JAAS, over which the list wins.
 *
 * @returns undefined where there is none
 * @throws ConfigError that names the setting, and shows no value
 */
export function extensionsOf(settings: KafkaSettings, jaas: Jaas | undefined): Record<string, string> | undefined {
  const ofJaas = [...(jaas?.options ?? [])]
    .filter(([option]) => option.startsWith(EXTENSION_OF_JAAS))
    .map(([option, value]) =>
      checked(option.slice(EXTENSION_OF_JAAS.length), value, settings.where('sasl.jaas.config')),
    );
  const all = [...ofJaas, ...listed(settings)];
  return all.length === 0 ? undefined : Object.fromEntries(all);
}

function listed(settings: KafkaSettings): (readonly [string, string])[] {
  const name = 'sasl.oauthbearer.extensions';
  const where = settings.where(name);
  const pairs = settings.get(name)?.split(',') ?? [];
  return pairs.map((pair) => {
    const [, key, value] = /^\s*([^=]*?)\s*=(.*)$/s.exec(pair) ?? [];
    if (key === undefined || value === undefined)
      throw new ConfigError(`${where} is not NAME=value, several of them separated by commas`);
    return checked(key, value.trim(), where);
  });
}

function checked(name: string, value: string, where: string): readonly [string, string] {
  if (!NAME.test(name))
    throw new ConfigError(`${where}: '${name}' cannot be the name of an extension, which are letters, and not 'auth'`);
  if (!VALUE.test(value))
    throw new ConfigError(`${where}: the extension ${name} has letters that RFC 7628 does not take, or no value`);
  return [name, value];
}
