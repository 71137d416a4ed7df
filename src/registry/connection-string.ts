/** A server that a connection string names. */
export interface PostgresHost {
  /** A name, an address, or the directory of a socket. */
  readonly host: string;
  readonly port: number;
}

/** A connection string of libpq, taken apart. */
export interface PostgresTarget {
  /** Tried in this order. */
  readonly hosts: readonly PostgresHost[];
  readonly user?: string;
  readonly password?: string;
  readonly database?: string;
  /** The parameters after "?", without those above. */
  readonly parameters: Readonly<Record<string, string>>;
}

const FORM = /^postgres(?:ql)?:\/\/(?:([^/]*)@)?([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/s;

/**
 * Takes a connection string of the form `postgresql://[user[:password]@][host[:port],…][/database][?parameters]` apart,
 * as libpq does.
 *
 * @throws Error that says what is wrong; it holds nothing of the text, which has a password in it
 */
export function parseConnectionString(text: string): PostgresTarget {
  const [, login = '', authority = '', path = '', query = ''] = FORM.exec(text) ?? bad('it does not begin so');
  // What looks like a host could be a part of the password then.
  if (login.includes('?') || `${path}${query}`.includes('@'))
    bad('write "/", "?" and "@" in a user, password or name as %2F, %3F and %40');
  const { host, port, user, password, dbname, ...parameters } = parametersOf(query);
  const [, name = '', , secret] = /^([^:]*)(:(.*))?$/s.exec(login) ?? [];
  const places = authority === '' ? [] : authority.split(',').map(placeOf);
  const hosts = host === undefined ? places.map((place) => place.host) : host.split(',');
  const ports = port === undefined ? places.map((place) => place.port) : port.split(',');
  const target = {
    user: user ?? unescaped(name),
    password: password ?? unescaped(secret ?? ''),
    database: dbname ?? unescaped(path),
  };
  return {
    ...Object.fromEntries(Object.entries(target).filter(([, value]) => value !== '')),
    hosts: (hosts.length === 0 ? [''] : hosts).map((one, at) => ({
      host: one === '' ? 'localhost' : one,
      port: portOf(ports.length === 1 ? ports[0] : ports[at]),
    })),
    parameters,
  };
}

function bad(why: string): never {
  throw new Error(`not a postgresql:// URL: ${why}`);
}

function parametersOf(query: string): Readonly<Record<string, string>> {
  const pairs =
    query === '' ? [] : query.split('&').map((pair) => /^([^=]*)=(.*)$/s.exec(pair) ?? bad('a "=" is missing'));
  return Object.fromEntries(pairs.map(([, key = '', value = '']) => [unescaped(key), unescaped(value)]));
}

/** "[::1]:5432", "db", "%2Frun%2Fpostgresql". */
function placeOf(text: string): { readonly host: string; readonly port: string } {
  const [, six, host = '', port = ''] = /^(?:\[([^\]]*)\]|([^:]*))(?::(.*))?$/s.exec(text) ?? bad('a host is none');
  return { host: six ?? unescaped(host), port };
}

function portOf(text = ''): number {
  const port = text === '' ? 5432 : Number(text);
  return Number.isInteger(port) && port > 0 && port < 65_536 ? port : bad('a port is no number from 1 to 65535');
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return bad('"%" stands before two hexadecimal digits; itself it is %25');
  }
}
