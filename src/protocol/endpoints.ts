import { z } from 'zod';
import { parseUrl } from '../parse-url.js';
import { isPrintable } from './fields.js';
import { isObject } from './json.js';

const MAX_ENDPOINTS = 64;
const MAX_NAME = 64;
const MAX_URL = 2048;

/** Name to absolute URL. */
export type Endpoints = Readonly<Record<string, string>>;

/**
 * Endpoints as a map of names, whatever shape they came in.
 *
 * A list has no names. Its first item becomes `api`, which is what existing
 * nodes call their main endpoint; the next are `api2`, `api3` and so on, so
 * that the order can still be read. `health_endpoint` becomes `health`, as
 * existing nodes call theirs; a relative one is joined to the first endpoint.
 */
export const endpointFields = z
  .object({
    endpoints: z.unknown().optional().describe('A map of names to absolute URLs, or a list of URLs.'),
    health_endpoint: z.string().nullish().describe('A URL, or a path on the host of the first endpoint.'),
  })
  .transform(({ endpoints, health_endpoint }, context): Endpoints => {
    const refuse = (path: string[], message: string): typeof z.NEVER => {
      context.addIssue({ code: 'custom', path, message });
      return z.NEVER;
    };
    const named = namesAndUrls(endpoints ?? {});
    if (named === null) return refuse(['endpoints'], 'a map of names to URLs, or a list of URLs');
    if (named.length > MAX_ENDPOINTS) return refuse(['endpoints'], `at most ${MAX_ENDPOINTS} endpoints`);

    const all = new Map<string, unknown>(named.map(({ name, url }) => [name, url]));
    const separate = typeof health_endpoint === 'string';
    if (separate) all.set('health', health_endpoint);
    const first = named.map(({ url }) => url).find(isAbsolute);
    const health = all.get('health');
    const joined = isRelative(health) ? parseUrl(health, first) : null;
    if (joined !== null) all.set('health', joined.href);

    for (const [name, url] of all) {
      const path = name === 'health' && separate ? ['health_endpoint'] : ['endpoints', placeOf(endpoints, name, named)];
      if (name === '' || name.length > MAX_NAME || !isPrintable(name))
        return refuse(path, `a name of 1 to ${MAX_NAME} printable characters`);
      if (isRelative(url))
        return refuse(path, 'an absolute URL, or a first endpoint to join a relative health endpoint to');
      if (!isAbsolute(url)) return refuse(path, 'an absolute URL with a host, such as http://10.0.0.1:8080');
    }
    return Object.fromEntries(all) as Endpoints;
  });

interface Named {
  readonly name: string;
  readonly url: unknown;
}

function namesAndUrls(endpoints: unknown): readonly Named[] | null {
  if (Array.isArray(endpoints))
    return endpoints.map((url: unknown, index) => ({ name: index === 0 ? 'api' : `api${index + 1}`, url }));
  return isObject(endpoints) ? Object.entries(endpoints).map(([name, url]) => ({ name, url })) : null;
}

/** Where the sender finds the endpoint: by index in a list, by name in a map. */
function placeOf(endpoints: unknown, name: string, named: readonly Named[]): string {
  return Array.isArray(endpoints) ? String(named.findIndex((one) => one.name === name)) : name;
}

/** A path on the same host. A URL parser reads "\\" as "/", and what follows two of them as another host. */
function isRelative(url: unknown): url is string {
  return typeof url === 'string' && /^\/(?![/\\])/.test(url) && isPrintable(url);
}

function isAbsolute(url: unknown): url is string {
  if (typeof url !== 'string' || url.length > MAX_URL || !isPrintable(url) || /\s/.test(url)) return false;
  return (parseUrl(url)?.host ?? '') !== '';
}
