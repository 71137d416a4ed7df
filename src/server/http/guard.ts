import type { IncomingHttpHeaders } from 'node:http';

/** Header that a page of another origin cannot send without being asked first, and we never agree. */
const ACTION_HEADER = 'x-registrar-action';

/** A request that is not answered, and why. */
export interface HttpRefusal {
  readonly status: 403 | 415 | 421;
  readonly reason: string;
}

/**
 * Is this request meant for us? A name of somebody else that leads to our
 * address is how a strange page gets at a server inside a network (DNS rebinding).
 *
 * @param hosts names under which the server answers, without port
 * @returns null when it is
 */
export function refuseHost({ host }: IncomingHttpHeaders, hosts: ReadonlySet<string>): HttpRefusal | null {
  const name = (host ?? '').replace(/:\d+$/, '').toLowerCase();
  if (hosts.has(name)) return null;
  const shown = name.slice(0, 100);
  return {
    status: 421,
    reason: `this server does not answer for the name '${shown}'; if it should, start it with --host-name ${shown}`,
  };
}

/**
 * May this request change something? Only from our own page: its Origin is
 * ours, it carries JSON, and a header that a form cannot send.
 *
 * @returns null when it may
 */
export function refuseAction(headers: IncomingHttpHeaders): HttpRefusal | null {
  const { host = '', origin, 'content-type': type = '', 'sec-fetch-site': site } = headers;
  if (origin === undefined || (origin !== `http://${host}` && origin !== `https://${host}`))
    return { status: 403, reason: 'an action must come from the fleet page itself, not from another origin' };
  if (site !== undefined && site !== 'same-origin')
    return { status: 403, reason: 'an action must come from the fleet page itself, not from another site' };
  if (!/^application\/json\b/i.test(type)) return { status: 415, reason: 'an action is sent as application/json' };
  if (headers[ACTION_HEADER] === undefined)
    return { status: 403, reason: `an action carries the header ${ACTION_HEADER}` };
  return null;
}
