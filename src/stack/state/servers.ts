/** The servers a registrar needs, in the order in which they are shown. */
export const SERVER_NAMES = ['temporal', 'kafka', 'consul', 'postgres'] as const;

export type ServerName = (typeof SERVER_NAMES)[number];

export type Environment = Readonly<Record<string, string | undefined>>;

/** Where the four servers answer, whoever runs them. */
export interface Addresses {
  /** host:port of Temporal's gRPC front end */
  readonly temporal: string;
  /** URL of Temporal's web UI, known only for a server of ours */
  readonly temporalUi?: string;
  readonly kafka: readonly string[];
  /** full URL of Consul's HTTP API; its web UI is below /ui */
  readonly consul: string;
  /** connection string of the registrar's database */
  readonly postgres: string;
}

/** Takes `host:port` apart; the host may be an IPv6 address in brackets. */
export function splitHostPort(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(':');
  return { host: address.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(address.slice(colon + 1)) };
}
