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

/** What a stack tells while it finds, provisions and starts its servers. */
export type StackEvent =
  | { readonly kind: 'step'; readonly about: string; readonly text: string }
  | {
      readonly kind: 'progress';
      readonly about: string;
      readonly text: string;
      readonly done: number;
      readonly total: number;
      readonly unit: 'bytes' | 'packages' | 'files';
    }
  | { readonly kind: 'ready'; readonly about: string; readonly text: string; readonly ms: number };

export type OnProgress = (event: StackEvent) => void;

/** The part of a logger that the stack uses; a pino logger fits. */
export interface StackLogger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** An error whose message is written for the person at the terminal: no stack trace helps them. */
export class StackError extends Error {
  override readonly name: string = 'StackError';
}

/** Whether an error carries one of these codes of the operating system, e.g. ENOENT. */
export function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && codes.includes(error.code);
}

/** Takes `host:port` apart; the host may be an IPv6 address in brackets. */
export function splitHostPort(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(':');
  return { host: address.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(address.slice(colon + 1)) };
}
