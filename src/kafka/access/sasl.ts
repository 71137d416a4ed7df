import kafkajs, { type AuthenticationProviderArgs, type Authenticator, type KafkaConfig } from 'kafkajs';
import { errorText } from '../../error-text.js';
import type { KafkaSasl } from '../connection.js';
import { tokensOf } from './token.js';

// kafkajs is no ES module: not all of its names can be imported one by one. Its types do not have this one's parameter.
const AuthenticationError = kafkajs.KafkaJSSASLAuthenticationError as unknown as new (message: string) => Error;

/** What kafkajs needs to say who this client is. */
export function saslOptions(sasl: KafkaSasl): NonNullable<KafkaConfig['sasl']> {
  if (sasl.mechanism === 'OAUTHBEARER') {
    const token = tokensOf(sasl);
    const { mechanism, extensions } = sasl;
    return { mechanism, authenticationProvider: (args) => bearer(token, args, extensions) };
  }
  const { username, password } = sasl;
  switch (sasl.mechanism) {
    case 'PLAIN':
      return { mechanism: 'plain', username, password };
    case 'SCRAM-SHA-256':
      return { mechanism: 'scram-sha-256', username, password };
    case 'SCRAM-SHA-512':
      return { mechanism: 'scram-sha-512', username, password };
  }
}

/** As RFC 7628 separates its fields. */
const SEPARATOR = '\u0001';
const AS_IT_IS = { decode: (raw: Buffer) => raw, parse: (raw: Buffer) => raw };

/**
 * kafkajs 2.2.4 has this too, but does not look at the answer: a token that the broker refuses would be found out only
 * by a connection that closes.
 */
function bearer(
  token: () => Promise<string>,
  { saslAuthenticate }: AuthenticationProviderArgs,
  extensions: Readonly<Record<string, string>> = {},
): Authenticator {
  const send = (text: string) =>
    saslAuthenticate({ request: { encode: () => sized(Buffer.from(text)) }, response: AS_IT_IS });
  return {
    async authenticate() {
      const value = await token().catch((error: unknown) => {
        throw new AuthenticationError(`SASL OAUTHBEARER: ${errorText(error)}`);
      });
      const fields = [`auth=Bearer ${value}`, ...Object.entries(extensions).map(([name, text]) => `${name}=${text}`)];
      const answer = await send(['n,,', ...fields, '', ''].join(SEPARATOR));
      // Four bytes of length, and of a token that is refused the reason.
      const refusal = answer instanceof Buffer ? answer.subarray(4).toString() : '';
      if (refusal !== '') throw new AuthenticationError(`SASL OAUTHBEARER authentication failed: ${refusal}`);
    },
  };
}

function sized(bytes: Buffer): Buffer {
  const size = Buffer.alloc(4);
  size.writeInt32BE(bytes.length);
  return Buffer.concat([size, bytes]);
}
