import { ConfigError } from '../variables.js';

/** What a line of JAAS says: the login module, and its options. */
export interface Jaas {
  /** Without its package: "ScramLoginModule". */
  readonly module: string;
  readonly options: ReadonlyMap<string, string>;
}

/** Java's clients take either quote. */
const OPTION = /([\w.]+)\s*=\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s"';]+)/;
const LINE = new RegExp(`^\\s*([\\w.]+)\\s+required((?:\\s+${OPTION.source})*)\\s*;?\\s*$`, 's');

/**
 * Reads what Java's clients have in `sasl.jaas.config`.
 *
 * @param where names the setting in errors, which never show the line: it holds a password
 * @throws ConfigError when it is no such line
 */
export function parseJaas(line: string, where: string): Jaas {
  const match = LINE.exec(line);
  if (match === null)
    throw new ConfigError(`${where} is not '<login module> required username="…" password="…";' in Kafka's manner`);
  const [, module = '', options = ''] = match;
  return {
    module: module.slice(module.lastIndexOf('.') + 1),
    options: new Map(
      [...options.matchAll(new RegExp(OPTION, 'gs'))].map(([, name = '', value = '']) => [name, unquoted(value)]),
    ),
  };
}

function unquoted(value: string): string {
  return /^["']/.test(value) ? value.slice(1, -1).replace(/\\(.)/gs, '$1') : value;
}
