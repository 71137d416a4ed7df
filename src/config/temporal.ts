import type { TLSConfig } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { errorText } from '../error-text.js';
import type { Environment } from '../stack/state/servers.js';
import { checkHostPort, ConfigError, given, isTrue } from './variables.js';

export interface TemporalConfig {
  /** host:port */
  readonly address: string;
  readonly namespace: string;
  readonly apiKey?: string;
  readonly tls?: TLSConfig | boolean;
  /** Headers that each call carries. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** How Temporal's own libraries connect to it. */
export type TemporalConnection = Omit<TemporalConfig, 'namespace'>;

export function temporalConnection({ namespace: _, ...connection }: TemporalConfig): TemporalConnection {
  return connection;
}

/** Whether the environment names a Temporal. */
export function namesTemporal(env: Environment): boolean {
  return given(env, 'TEMPORAL_ADDRESS') !== undefined || usesTemporalFile(env);
}

/**
 * Temporal's configuration file is read only when a variable points to it: somebody whose default profile is a
 * cluster in the cloud does not expect a demo to register its nodes there.
 */
function usesTemporalFile(env: Environment): boolean {
  return given(env, 'TEMPORAL_CONFIG_FILE') !== undefined || given(env, 'TEMPORAL_PROFILE') !== undefined;
}

/** @param own host:port of a server of ours, used where the environment names none */
export function temporalConfig(env: Environment, own: string | undefined): TemporalConfig {
  const { connectionOptions, namespace = 'default' } = temporalProfile(env, usesTemporalFile(env));
  if (!namesTemporal(env) && own !== undefined) {
    // Keys and certificates are for the cluster that they were made for, not for ours.
    return { address: own, namespace };
  }
  const address = checkHostPort('TEMPORAL_ADDRESS', connectionOptions.address ?? 'localhost:7233');
  const { apiKey, tls } = connectionOptions;
  // What gRPC cannot send it would show in its error.
  if (typeof apiKey === 'string' && !SENDABLE.test(apiKey)) throw new ConfigError(`TEMPORAL_API_KEY ${NOT_SENDABLE}`);
  const metadata = headers(connectionOptions.metadata, env);
  return {
    address,
    namespace,
    ...(typeof apiKey === 'string' && { apiKey }),
    ...(tls !== undefined && tls !== null && { tls }),
    ...(Object.keys(metadata).length > 0 && { metadata }),
  };
}

const SENDABLE = /^[ -~]*$/;
const NOT_SENDABLE = 'holds what a header of gRPC cannot: a line break, or a character that is not ASCII';

const GRPC_META = /^TEMPORAL_GRPC_META_/;

/**
 * The headers of the profile, with those of the environment over them; an empty variable takes one away. Temporal's
 * library for TypeScript (1.24) leaves all underscores of a name but the first, where its others write hyphens.
 */
function headers(profile: object | undefined, env: Environment): Record<string, string> {
  const nameOf = (name: string): string => name.toLowerCase().replaceAll('_', '-');
  const found = new Map<string, unknown>(Object.entries(profile ?? {}).map(([name, value]) => [nameOf(name), value]));
  for (const [variable, value] of Object.entries(env)) {
    if (!GRPC_META.test(variable) || value === undefined) continue;
    const name = nameOf(variable.replace(GRPC_META, ''));
    if (value === '') found.delete(name);
    else found.set(name, value);
  }
  return Object.fromEntries(
    [...found].map(([name, value]) => {
      const where = `the header '${name}' of Temporal (TEMPORAL_GRPC_META_…, or grpc_meta of its profile)`;
      if (!/^[a-z0-9.-]+$/.test(name) || name.endsWith('-bin'))
        throw new ConfigError(
          `${where} cannot be sent: a name has letters, digits, "." and "-", and no "-bin" at its end`,
        );
      if (typeof value !== 'string') throw new ConfigError(`${where} is no text`);
      if (!SENDABLE.test(value)) throw new ConfigError(`${where} ${NOT_SENDABLE}`);
      return [name, value];
    }),
  );
}

function temporalProfile(env: Environment, file: boolean): ReturnType<typeof loadClientConnectConfig> {
  const variables: Record<string, string> = {};
  for (const [name, value] of Object.entries(env))
    if (value !== undefined && value !== '' && !GRPC_META.test(name)) variables[name] = value;
  // Whatever is not "true" or "1" turns TLS off for Temporal's library for TypeScript (1.24), "TRUE" too.
  if (given(env, 'TEMPORAL_TLS') !== undefined) variables['TEMPORAL_TLS'] = String(isTrue(env, 'TEMPORAL_TLS'));
  try {
    return loadClientConnectConfig({ overrideEnvVars: variables, disableFile: !file });
  } catch (error) {
    throw new ConfigError(`the TEMPORAL_* variables cannot be used: ${errorText(error)}`);
  }
}
