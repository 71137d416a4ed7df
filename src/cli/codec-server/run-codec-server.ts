import type { Config } from '../../config/index.js';
import { serveCodec, type CodecServerOptions } from '../../payloads/codec-server.js';
import { Encryption } from '../../payloads/encryption.js';
import { readPayloadKeys } from '../../payloads/keys.js';
import { untilStopped } from '../processes/stopping.js';
import { CliError, EXIT } from '../terminal/exit-codes.js';
import { print } from '../terminal/output.js';

/** Decodes for Temporal's web UI until the process is stopped. @throws CliError when there are no keys */
export async function runCodecServer(
  { payloadKeys }: Config,
  options: Omit<CodecServerOptions, 'codec'>,
): Promise<void> {
  if (payloadKeys === undefined)
    throw new CliError('There is nothing to decode with.', EXIT.usage, {
      hint: 'REGISTRAR_PAYLOAD_KEYS names the file of the keys that the workers use.',
    });
  const stopping = untilStopped();
  const server = await serveCodec({ ...options, codec: new Encryption(readPayloadKeys(payloadKeys)) });
  print(`The codec server: ${server.url} (for pages of ${options.origins.join(', ')})`);
  await stopping.requested;
  await server.close();
}
