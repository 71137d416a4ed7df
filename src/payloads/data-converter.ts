import { fileURLToPath } from 'node:url';
import type { DataConverter } from '@temporalio/common';
import type { Config } from '../config/index.js';
import { Encryption } from './encryption.js';
import { readPayloadKeys } from './keys.js';

const FAILURE_CONVERTER = fileURLToPath(new URL('failure-converter.cjs', import.meta.url));

type Keys = Pick<Config, 'payloadKeys'>;

/**
 * How a client of Temporal writes and reads payloads: encrypted where the configuration names a file of keys.
 *
 * @throws ConfigError when the file cannot be used
 */
export function dataConverter({ payloadKeys }: Keys): { readonly dataConverter?: DataConverter } {
  if (payloadKeys === undefined) return {};
  return { dataConverter: { payloadCodecs: [new Encryption(readPayloadKeys(payloadKeys))] } };
}

/** The same for a worker, whose activities also write failures. @throws ConfigError when the file cannot be used */
export function workerDataConverter(config: Keys): { readonly dataConverter?: DataConverter } {
  const { dataConverter: client } = dataConverter(config);
  return client === undefined ? {} : { dataConverter: { ...client, failureConverterPath: FAILURE_CONVERTER } };
}
