import type { TLSConfig } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { errorText } from '../error-text.js';
import type { Environment } from '../stack/state/servers.js';
import { checkHostPort, ConfigError, given } from './variables.js';

export interface TemporalConfig {
  /** host:port */
  readonly address: string;
  readonly namespace: string;
  readonly apiKey?: string;
  readonly tls?: TLSConfig | boolean;
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
  return {
    address,
    namespace,
    ...(typeof apiKey === 'string' && { apiKey }),
    ...(tls !== undefined && tls !== null && { tls }),
  };
}

function temporalProfile(env: Environment, file: boolean): ReturnType<typeof loadClientConnectConfig> {
  const variables: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) if (value !== undefined && value !== '') variables[name] = value;
  try {
    return loadClientConnectConfig({ overrideEnvVars: variables, disableFile: !file });
  } catch (error) {
    throw new ConfigError(`the TEMPORAL_* variables cannot be used: ${errorText(error)}`);
  }
}
