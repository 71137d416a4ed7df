import type { Client } from '@temporalio/client';
import { defaultPayloadConverter, type Payload, type PayloadCodec } from '@temporalio/common';
import { errorText } from '../error-text.js';

/** A failure as Temporal stores it. Where payloads are encrypted, so is its message. */
export interface StoredFailure {
  readonly message?: string | null;
  readonly encodedAttributes?: Payload | null;
  readonly cause?: StoredFailure | null;
}

type Keyed = Pick<Client, 'options'>;

/** The backend's own message, which stands innermost; null where there is no failure. */
export async function innermostText(client: Keyed, failure: StoredFailure | null | undefined): Promise<string | null> {
  let message: string | null = null;
  for (let one = failure; one !== null && one !== undefined; one = one.cause)
    message = (await failureText(client, one)) ?? message;
  return message;
}

/** A failure's own message. Whoever looks without the key learns why it cannot be read. */
export async function failureText(client: Keyed, failure: StoredFailure | null | undefined): Promise<string | null> {
  const { message = null, encodedAttributes } = failure ?? {};
  if (encodedAttributes === null || encodedAttributes === undefined) return message;
  try {
    let payloads = [encodedAttributes];
    const codecs: readonly PayloadCodec[] = client.options.loadedDataConverter.payloadCodecs;
    for (const codec of codecs.toReversed()) payloads = await codec.decode(payloads);
    const [attributes] = payloads;
    const decoded = attributes && defaultPayloadConverter.fromPayload<{ readonly message?: string } | null>(attributes);
    return decoded?.message ?? message;
  } catch (error) {
    return `its message is encrypted, and cannot be read here: ${errorText(error)}`;
  }
}
